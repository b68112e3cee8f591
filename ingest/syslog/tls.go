package syslog

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// readTLS reads the files.
func (c Config) readTLS() (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("syslog-tls-cert %s with syslog-tls-key %s: %w", c.Certificate, c.Key, err)
	}
	// Nothing is written to senders but the handshake: many never read, and see the end
	// of a connection only when nothing stands before it.
	out := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: minTLS, SessionTicketsDisabled: true}
	if c.ClientCA == "" {
		return out, nil
	}
	text, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("syslog-tls-client-ca: %w", err)
	}
	out.ClientCAs, out.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !out.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("syslog-tls-client-ca: there is no certificate in %s", c.ClientCA)
	}
	return out, nil
}

// keeper has the TLS configuration of the files as they are now. Files that are of
// no use leave the former one in force.
type keeper struct {
	config Config
	log    *slog.Logger

	mu      sync.Mutex
	current *tls.Config
	stamp   string
}

// get is the configuration for a handshake that begins now.
func (k *keeper) get() (*tls.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	stamp := k.stat()
	if k.current != nil && stamp == k.stamp {
		return k.current, nil
	}
	read, err := k.config.readTLS()
	switch {
	case err == nil:
		if k.current != nil {
			k.log.Info("syslog: the certificates were read anew")
		}
		k.current = read
	case k.current == nil:
		return nil, err
	default:
		k.log.Error("syslog: the changed certificates are of no use; the former ones stay", "error", err)
	}
	k.stamp = stamp
	return k.current, nil
}

// stat tells one state of the files from another.
func (k *keeper) stat() string {
	out := ""
	for _, file := range []string{k.config.Certificate, k.config.Key, k.config.ClientCA} {
		if info, err := os.Stat(file); err == nil {
			out += fmt.Sprint(info.Size(), info.ModTime().Format(time.RFC3339Nano), " ")
		}
	}
	return out
}

// server is for a listener; each handshake asks get.
func (k *keeper) server() *tls.Config {
	return &tls.Config{
		MinVersion:         minTLS,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.get() },
	}
}
