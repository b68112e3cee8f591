package syslog

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"nightjar/configuration/inbound"
)

// Config are the settings. An empty address serves nothing; a zero limit is its
// default.
type Config struct {
	UDP, TCP, TLS string // addresses
	// Allow says who may send; empty: whoever reaches an address.
	Allow []netip.Prefix
	// Certificate and Key are files for TLS; ClientCA, when not empty, is the file of
	// the authorities of which senders must have a certificate. All are read anew when
	// they change.
	Certificate, Key, ClientCA string
	// Dir is the folder for what the intake refuses until the engine stops; empty: that
	// is lost.
	Dir string
	// Zone is that of times written without one; nil: UTC.
	Zone *time.Location

	MaxConnections int           // at once, of TCP and TLS each; 1000
	Idle           time.Duration // how long a connection may be silent; 1 h
	Stall          time.Duration // how long a message may stop in its middle; 60 s
	MaxMessage     int           // bytes; what is beyond is cut; 2 MiB
	MaxWaiting     int64         // bytes read and not yet taken in, and as many in parts of messages; 64 MiB
	MaxDatagrams   int64         // bytes of datagrams read and not yet taken in; 16 MiB
	Linger         time.Duration // how long a batch waits to fill up; 200 ms
	Grace          time.Duration // how long a stop waits for the intake; 10 s
}

func (c Config) withDefaults() Config {
	def(&c.MaxConnections, 1000)
	def(&c.Idle, time.Hour)
	def(&c.Stall, time.Minute)
	def(&c.MaxMessage, 2<<20)
	def(&c.MaxWaiting, 64<<20)
	def(&c.MaxDatagrams, 16<<20)
	def(&c.Linger, 200*time.Millisecond)
	def(&c.Grace, 10*time.Second)
	return c
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Enabled reports whether anything is served.
func (c Config) Enabled() bool { return c.UDP != "" || c.TCP != "" || c.TLS != "" }

// Check says what is wrong, by the names of the settings: an address that is none,
// files that are missing, or a door that would be open to everybody.
func (c Config) Check() error {
	for _, door := range []struct{ setting, address string }{{"syslog-udp", c.UDP}, {"syslog-tcp", c.TCP}, {"syslog-tls", c.TLS}} {
		if door.address == "" {
			continue
		}
		beyond, err := inbound.BeyondLoopback(door.address)
		if err != nil {
			return fmt.Errorf("%s: %w", door.setting, err)
		}
		certified := door.setting == "syslog-tls" && c.ClientCA != ""
		if beyond && len(c.Allow) == 0 && !certified {
			return fmt.Errorf("%s: %s is beyond loopback and syslog has no keys: say who may send with syslog-allow (10.0.0.0/8), or serve TLS and ask senders for certificates with syslog-tls-client-ca", door.setting, door.address)
		}
	}
	if c.TLS == "" {
		if c.Certificate != "" || c.Key != "" || c.ClientCA != "" {
			return errors.New("syslog-tls-cert, syslog-tls-key and syslog-tls-client-ca are for syslog-tls, which is not set")
		}
		return nil
	}
	if c.Certificate == "" || c.Key == "" {
		return errors.New("syslog-tls needs syslog-tls-cert and syslog-tls-key")
	}
	return c.files().Check()
}

// files are those of the certificates.
func (c Config) files() inbound.Files {
	return inbound.Files{Setting: "syslog-tls", Certificate: c.Certificate, Key: c.Key, ClientCA: c.ClientCA, Clients: tls.RequireAndVerifyClientCert}
}

// ParseAllow reads networks and addresses.
func ParseAllow(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			p, err := netip.ParsePrefix(part)
			if ip, e := netip.ParseAddr(part); e == nil {
				p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
			}
			if err != nil {
				return nil, fmt.Errorf("%q is no network such as 10.0.0.0/8 and no address", part)
			}
			out = append(out, p.Masked())
		}
	}
	return out, nil
}

func (c Config) allows(peer netip.Addr) bool {
	if len(c.Allow) == 0 {
		return true
	}
	for _, p := range c.Allow {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}
