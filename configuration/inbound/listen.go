package inbound

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// BeyondLoopback reports whether others than this machine may reach the address. A name
// may stand for any.
func BeyondLoopback(address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return false, fmt.Errorf("want an address such as 127.0.0.1:8420, got %q", address)
	}
	if strings.EqualFold(host, "localhost") {
		return false, nil
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.Unmap().IsLoopback(), nil
}

// Config is how the API is served.
type Config struct {
	HTTP, GRPC string // addresses
	TLS        Files  // without a certificate, it is plain text
	// Plaintext allows that beyond loopback, as behind a proxy that ends TLS.
	Plaintext bool
	// Required says that keys of shippers and agents let in together with a certificate
	// only. It needs a ClientCA.
	Required bool
}

// Check says what is wrong, by the names of the settings.
func (c Config) Check() error {
	for _, l := range []struct{ setting, address string }{{"http", c.HTTP}, {"grpc", c.GRPC}} {
		beyond, err := BeyondLoopback(l.address)
		if err != nil {
			return fmt.Errorf("%s: %w", l.setting, err)
		}
		if beyond && c.TLS.Certificate == "" && !c.Plaintext {
			return fmt.Errorf("%s: %s is beyond loopback, and keys and events would pass in plain text: give tls-cert and tls-key, or allow-plaintext where something before the engine ends TLS", l.setting, l.address)
		}
	}
	switch {
	case c.TLS.Certificate == "" && c.TLS.Key == "" && c.TLS.ClientCA == "":
		if c.Required {
			return fmt.Errorf("tls-require-client-cert needs tls-client-ca")
		}
		return nil
	case c.TLS.Certificate == "" || c.TLS.Key == "":
		return fmt.Errorf("tls-cert and tls-key are needed together, and before tls-client-ca")
	case c.Required && c.TLS.ClientCA == "":
		return fmt.Errorf("tls-require-client-cert needs tls-client-ca")
	}
	return c.TLS.Check()
}

// Says is what a start tells of how the API is served; warn: an operator may have meant
// something else.
func (c Config) Says() (text string, warn bool) {
	beyond := false
	for _, address := range []string{c.HTTP, c.GRPC} {
		b, _ := BeyondLoopback(address) // checked before
		beyond = beyond || b
	}
	switch {
	case c.TLS.Certificate != "" && c.Required:
		return "the API is served over TLS; shippers and agents need a key and a certificate", false
	case c.TLS.Certificate != "" && c.TLS.ClientCA != "":
		return "the API is served over TLS; a key, or a certificate of a shipper or an agent, is needed", false
	case c.TLS.Certificate != "":
		return "the API is served over TLS; a key is needed", false
	case beyond:
		return "the API is served in plain text beyond loopback, as allow-plaintext says: keys and events can be read on the way, unless something before the engine ends TLS; a key is needed", true
	}
	return "the API is served on loopback; a key is needed", false
}
