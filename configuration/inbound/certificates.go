package inbound

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// MinTLS is the oldest version that is spoken.
const MinTLS = tls.VersionTLS12

// Files are those of a server's certificate, in PEM.
type Files struct {
	// Setting is what the settings begin with that name the files: with "tls", they are
	// tls-cert, tls-key and tls-client-ca.
	Setting                    string
	Certificate, Key, ClientCA string
	// Clients says of whom a certificate is asked, where there is a ClientCA.
	Clients tls.ClientAuthType
}

// Check reports whether the files can be used now: it is nil where they can.
func (f Files) Check() error {
	_, err := f.read()
	return err
}

func (f Files) read() (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("%[1]s-cert %[2]s with %[1]s-key %[3]s: %[4]w", f.Setting, f.Certificate, f.Key, err)
	}
	out := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: MinTLS}
	if f.ClientCA == "" {
		return out, nil
	}
	text, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("%s-client-ca: %w", f.Setting, err)
	}
	out.ClientCAs, out.ClientAuth = x509.NewCertPool(), f.Clients
	if !out.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s-client-ca: there is no certificate in %s", f.Setting, f.ClientCA)
	}
	return out, nil
}

// Certificates are those of the files as they are now. Files that are of no use leave the
// former ones in force.
type Certificates struct {
	files  Files
	adjust func(*tls.Config)
	log    *slog.Logger

	mu      sync.Mutex
	current *tls.Config
	stamp   string
}

// NewCertificates reads the files. Adjust, unless nil, changes every configuration before
// it is used.
func NewCertificates(files Files, log *slog.Logger, adjust func(*tls.Config)) (*Certificates, error) {
	c := &Certificates{files: files, log: log, adjust: adjust}
	_, err := c.present()
	return c, err
}

// present is the configuration for a handshake that begins now.
func (c *Certificates) present() (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp := c.stat()
	if c.current != nil && stamp == c.stamp {
		return c.current, nil
	}
	read, err := c.files.read()
	switch {
	case err == nil:
		if c.current != nil {
			c.log.Info("the certificates were read anew", "setting", c.files.Setting)
		}
		if c.adjust != nil {
			c.adjust(read)
		}
		c.current = read
	case c.current == nil:
		return nil, err
	default:
		c.log.Error("the changed certificates are of no use; the former ones stay", "error", err)
	}
	c.stamp = stamp
	return c.current, nil
}

// stat tells one state of the files from another.
func (c *Certificates) stat() string {
	out := ""
	for _, file := range []string{c.files.Certificate, c.files.Key, c.files.ClientCA} {
		if info, err := os.Stat(file); err == nil {
			out += fmt.Sprint(info.Size(), info.ModTime().Format(time.RFC3339Nano), " ")
		}
	}
	return out
}

// Server is for a listener: each handshake has the certificates of its moment.
func (c *Certificates) Server() *tls.Config {
	return &tls.Config{
		MinVersion:         MinTLS,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.present() },
	}
}

// Name is one that the server's certificate is of, for who connects by another address.
func (f Files) Name() (string, error) {
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return "", err
	}
	switch leaf := pair.Leaf; {
	case len(leaf.DNSNames) > 0:
		return leaf.DNSNames[0], nil
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String(), nil
	default:
		return "", fmt.Errorf("the certificate in %s is of no name and no address", f.Certificate)
	}
}
