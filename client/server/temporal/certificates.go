package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"time"

	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"go.temporal.io/server/common/rpc/encryption"
)

// tlsFolder holds what clients read, below the state folder.
const tlsFolder = "tls"

// certificates are the credentials of one server process. Those of the owner's clients are in files, because
// a worker must still be able to connect after the server was restarted. Those of the server's own parts
// exist only in memory.
type certificates struct {
	ownerAuthority []byte
	frontend       tls.Certificate
	inside         *authority
}

// openCertificates reads the files, or creates them if they are missing, damaged or about to expire.
func openCertificates() (*certificates, error) {
	inside, err := newAuthority("sam-mil server internals")
	if err != nil {
		return nil, err
	}
	found, err := readCertificates()
	if err != nil {
		if err := createCertificates(); err != nil {
			return nil, err
		}
		if found, err = readCertificates(); err != nil {
			return nil, err
		}
	}
	found.inside = inside
	return found, nil
}

func readCertificates() (*certificates, error) {
	ca, err := os.ReadFile(filepath.Join(tlsFolder, "ca.pem"))
	if err != nil {
		return nil, err
	}
	frontend, err := readPair("server", ca, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, err
	}
	if _, err := readPair("client", ca, x509.ExtKeyUsageClientAuth); err != nil {
		return nil, err
	}
	return &certificates{ownerAuthority: ca, frontend: frontend}, nil
}

func readPair(name string, ca []byte, use x509.ExtKeyUsage) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(tlsFolder, name+".pem"), filepath.Join(tlsFolder, name+".key"))
	if err != nil {
		return pair, err
	}
	roots, err := poolOf(ca)
	if err != nil {
		return pair, err
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{
		Roots:       roots,
		KeyUsages:   []x509.ExtKeyUsage{use},
		CurrentTime: time.Now().Add(renewWith),
	})
	return pair, err
}

// createCertificates writes a new authority's certificate and two key pairs. The folder is replaced as a
// whole, so that no mixture of two authorities is ever read.
func createCertificates() error {
	owner, err := newAuthority("sam-mil state folder")
	if err != nil {
		return err
	}
	server, err := owner.issue("sam-mil embedded server", x509.ExtKeyUsageServerAuth)
	if err != nil {
		return err
	}
	client, err := owner.issue("sam-mil owner", x509.ExtKeyUsageClientAuth)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"ca.pem":     owner.pem(),
		"server.pem": server.certificate,
		"server.key": server.key,
		"client.pem": client.certificate,
		"client.key": client.key,
	}
	fresh := tlsFolder + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o700)); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(fresh, name), content, 0o600); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(tlsFolder), os.Rename(fresh, tlsFolder))
}

// provider returns the TLS settings of the server's ports and of its own connections to them. The frontend
// accepts the owner and the server's own workers, every other port only the server's own parts.
func (c *certificates) provider() (encryption.TLSConfigProvider, error) {
	serving, err := c.issueInside(x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, err
	}
	connecting, err := c.issueInside(x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, err
	}
	insidePem := c.inside.pem()
	inside, err := poolOf(insidePem)
	if err != nil {
		return nil, err
	}
	owner, err := poolOf(c.ownerAuthority)
	if err != nil {
		return nil, err
	}
	both, err := poolOf(append(append([]byte{}, c.ownerAuthority...), insidePem...))
	if err != nil {
		return nil, err
	}
	return &encryption.FixedTLSConfigProvider{
		FrontendServerConfig:  serverConfig(c.frontend, both),
		FrontendClientConfig:  clientConfig(connecting, owner),
		InternodeServerConfig: serverConfig(serving, inside),
		InternodeClientConfig: clientConfig(connecting, inside),
	}, nil
}

func (c *certificates) issueInside(use x509.ExtKeyUsage) (tls.Certificate, error) {
	pair, err := c.inside.issue("sam-mil inside", use)
	if err != nil {
		return tls.Certificate{}, err
	}
	return pair.load()
}

// forUI returns the Web UI's own credential, in the form that its configuration takes.
func (c *certificates) forUI() (uiconfig.TLS, error) {
	pair, err := c.inside.issue("sam-mil web ui", x509.ExtKeyUsageClientAuth)
	return uiconfig.TLS{
		CaData:                 base64.StdEncoding.EncodeToString(c.ownerAuthority),
		CertData:               base64.StdEncoding.EncodeToString(pair.certificate),
		KeyData:                base64.StdEncoding.EncodeToString(pair.key),
		EnableHostVerification: true,
		ServerName:             serverName,
	}, err
}

func serverConfig(certificate tls.Certificate, clients *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2"},
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	}
}

func clientConfig(certificate tls.Certificate, servers *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2"},
		Certificates: []tls.Certificate{certificate},
		RootCAs:      servers,
		ServerName:   serverName,
	}
}

func poolOf(certificates []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(certificates) {
		return nil, errors.New("no certificate in the file of the authority")
	}
	return pool, nil
}
