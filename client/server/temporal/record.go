package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/primitives"
)

const (
	recordName  = "server.json"
	lockName    = "server.running"
	profileName = "temporal.toml"
)

// record tells the owner's commands where the server is. It is written before the server answers: whatever
// started the server may be killed meanwhile, and the next command must not start a second one.
type record struct {
	Address  string `json:"address"`
	Pid      int    `json:"pid"`
	UI       string `json:"ui,omitempty"`
	Database string `json:"database"`
	Version  string `json:"version"`
	ports    map[primitives.ServiceName]int
}

func newRecord(chosen options, web *webUI) (*record, error) {
	ports, err := choosePorts(chosen.port)
	if err != nil {
		return nil, err
	}
	database, err := filepath.Abs(databaseName)
	if err != nil {
		return nil, err
	}
	made := &record{
		Address:  address(ports[primitives.FrontendService]),
		Pid:      os.Getpid(),
		Database: database,
		Version:  headers.ServerVersion,
		ports:    ports,
	}
	if web != nil {
		made.UI = web.url()
	}
	return made, nil
}

// choosePorts returns a port for each service: all are held until all are known, so that they differ.
// Temporal opens them itself a moment later and ends the process if another program was faster.
func choosePorts(frontend int) (map[primitives.ServiceName]int, error) {
	ports := map[primitives.ServiceName]int{}
	for _, service := range []primitives.ServiceName{
		primitives.FrontendService,
		primitives.HistoryService,
		primitives.MatchingService,
		primitives.WorkerService,
	} {
		wanted := 0
		if service == primitives.FrontendService {
			wanted = frontend
		}
		listener, err := net.Listen("tcp", address(wanted))
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports[service] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

func (r *record) write() error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := r.writeProfile(); err != nil {
		return err
	}
	return replaceFile(recordName, append(text, '\n'))
}

// writeProfile writes a configuration with which Temporal's own command line reaches this server.
func (r *record) writeProfile() error {
	folder, err := filepath.Abs(tlsFolder)
	if err != nil {
		return err
	}
	text := "# Written by sam-mil at each start of its server: TEMPORAL_CONFIG_FILE=<this file> temporal workflow list\n" +
		"[profile.default]\n" +
		fmt.Sprintf("address = %s\nnamespace = \"default\"\n\n[profile.default.tls]\n", quote(r.Address)) +
		fmt.Sprintf("server_name = %s\n", quote(serverName)) +
		fmt.Sprintf("server_ca_cert_path = %s\n", quote(filepath.Join(folder, "ca.pem"))) +
		fmt.Sprintf("client_cert_path = %s\n", quote(filepath.Join(folder, "client.pem"))) +
		fmt.Sprintf("client_key_path = %s\n", quote(filepath.Join(folder, "client.key")))
	return replaceFile(profileName, []byte(text))
}

func (r *record) remove() {
	os.Remove(recordName)
}

// quote returns a TOML string: JSON's escapes are a subset of TOML's.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

func replaceFile(name string, content []byte) error {
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// lockFolder keeps a second server off the same database, even if the record was lost. The system releases
// the lock when this process ends, however it ends.
func lockFolder() (*os.File, error) {
	file, err := os.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 32)
		read, _ := file.Read(holder)
		file.Close()
		return nil, fmt.Errorf("another server uses this state folder: process id %s", holder[:read])
	}
	if err := file.Truncate(0); err != nil {
		return nil, err
	}
	_, err = fmt.Fprint(file, os.Getpid())
	return file, err
}
