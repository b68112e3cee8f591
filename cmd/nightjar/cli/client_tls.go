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
	c.Flags().String("client-cert", "", "a certificate to show to the engine, a PEM file, read anew when it changes; NIGHTJAR_CLIENT_CERT")
	c.Flags().String("client-key", "", "the key of that certificate, a PEM file; NIGHTJAR_CLIENT_KEY")
}

// newTransport is how an engine is reached; the files are checked now, and the client's
// certificate is read for every connection.
func newTransport(ca, certificate, key string) (http.RoundTripper, error) {
	if ca == "" && certificate == "" && key == "" {
		return http.DefaultTransport, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool() // a system without authorities
		}
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca: there is no certificate in %s", ca)
		}
	}
	if (certificate == "") != (key == "") {
		return nil, errors.New("--client-cert and --client-key are needed together")
	}
	if certificate != "" {
		read := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(certificate, key)
			if err != nil {
				return nil, fmt.Errorf("--client-cert %s with --client-key %s: %w", certificate, key, err)
			}
			return &pair, nil
		}
		if _, err := read(); err != nil {
			return nil, err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() }
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.TLSHandshakeTimeout = 10 * time.Second
	return transport, nil
}
