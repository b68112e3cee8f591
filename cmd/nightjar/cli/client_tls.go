package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// addClientTLSFlags adds how an engine is known over TLS, and how it knows who calls.
func addClientTLSFlags(c *cobra.Command) {
	c.Flags().String("ca", "", "a PEM file of authorities that the engine's certificate is of, beside the system's; NIGHTJAR_CA")
	c.Flags().String("server-name", "", "the name that its certificate is of, if not that of the address; NIGHTJAR_SERVER_NAME")
	c.Flags().String("client-cert", "", "a certificate to show to the engine, a PEM file, read anew when it changes; NIGHTJAR_CLIENT_CERT")
	c.Flags().String("client-key", "", "the key of that certificate, a PEM file; NIGHTJAR_CLIENT_KEY")
}

// tlsFiles say how an engine is known over TLS, and how it knows who calls.
type tlsFiles struct{ ca, serverName, certificate, key string }

// newTransport is how an engine is reached; the files are checked now, and the client's
// certificate is read for every connection.
func newTransport(f tlsFiles) (http.RoundTripper, error) {
	if f == (tlsFiles{}) {
		return http.DefaultTransport, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.serverName}
	if err := f.trust(config); err != nil {
		return nil, err
	}
	if (f.certificate == "") != (f.key == "") {
		return nil, errors.New("--client-cert and --client-key are needed together")
	}
	if f.certificate != "" {
		if _, err := f.pair(); err != nil {
			return nil, err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.pair() }
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.TLSHandshakeTimeout = 10 * time.Second
	return transport, nil
}

// trust adds the authorities to those of the system.
func (f tlsFiles) trust(config *tls.Config) error {
	if f.ca == "" {
		return nil
	}
	text, err := os.ReadFile(f.ca)
	if err != nil {
		return fmt.Errorf("--ca: %w", err)
	}
	if config.RootCAs, err = x509.SystemCertPool(); err != nil {
		config.RootCAs = x509.NewCertPool() // a system without authorities
	}
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("--ca: there is no certificate in %s", f.ca)
	}
	return nil
}

func (f tlsFiles) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return nil, fmt.Errorf("--client-cert %s with --client-key %s: %w", f.certificate, f.key, err)
	}
	return &pair, nil
}
