// The embedded Temporal server of sam-mil: one process on loopback, its history in SQLite in the state
// folder. Every port demands a client certificate that only the owner of the folder can read.
package main

import (
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/temporal"
)

type options struct {
	folder    string
	port      int
	ui        bool
	uiPort    int
	namespace string
}

func main() {
	chosen := options{}
	flag.StringVar(&chosen.folder, "folder", "", "state folder, which must exist")
	flag.IntVar(&chosen.port, "port", 0, "gRPC port; 0: a free one")
	flag.BoolVar(&chosen.ui, "ui", true, "serve the Web UI")
	flag.IntVar(&chosen.uiPort, "ui-port", 0, "port of the Web UI; 0: a free one")
	flag.StringVar(&chosen.namespace, "namespace", "", "a namespace in addition to `default`")
	version := flag.Bool("version", false, "print the version of the server inside and exit")
	flag.Parse()
	if *version {
		fmt.Println(headers.ServerVersion)
		return
	}
	if err := run(chosen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until SIGTERM or SIGINT.
func run(chosen options) error {
	// Nothing that this process creates may be read by another account, SQLite's side files included.
	syscall.Umask(0o077)
	// Libraries of the Web UI print through this logger what Temporal's own logger already reports.
	stdlog.SetOutput(io.Discard)
	if err := os.Chdir(chosen.folder); err != nil {
		return err
	}
	lock, err := lockFolder()
	if err != nil {
		return err
	}
	defer lock.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)

	certificates, err := openCertificates()
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	web, err := listenForUI(chosen)
	if err != nil {
		return err
	}
	record, err := newRecord(chosen, web)
	if err != nil {
		return err
	}
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "error"}))
	server, err := newTemporal(record.ports, chosen.namespace, certificates, logger)
	if err != nil {
		return err
	}
	if err := record.write(); err != nil {
		return err
	}
	defer record.remove()
	if err := server.Start(); err != nil {
		return err
	}
	if web != nil {
		if err := web.serve(record.Address, certificates); err != nil {
			return err
		}
	}
	<-stop
	return end(server)
}

// end lets running requests finish. What was acknowledged is in the database, so that no more than time is
// lost by ending before Temporal has waited for clients that are still polling.
func end(server temporal.Server) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Stop() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Second):
		return nil
	}
}
