package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Config is what the operator allows.
type Config struct {
	// AllowPrivate lets requests go to loopback, link-local, private and other special
	// addresses; else only to those of Networks.
	AllowPrivate bool
	Networks     []netip.Prefix
	// Hosts are the only names that may be reached; a leading *. stands for any name
	// below. Empty: any.
	Hosts []string
	// Proxy, when not nil, carries all requests over HTTP. It may be anywhere.
	Proxy *url.URL
	// Authorities, a PEM file, are trusted beside the system's.
	Authorities string
	// Places are where secrets may go, by their names.
	Places map[string][]Place
}

// Limits of a request, but for those of the caller's context.
const (
	dialTime    = 10 * time.Second
	headerTime  = 30 * time.Second
	maxRedirect = 5
)

// ErrRefused is the error of what the operator did not allow.
var ErrRefused = errors.New("not allowed by the operator")

// Client makes requests. It is safe for use by several goroutines.
type Client struct {
	config Config
	guard  *ssrf.Guardian
	tls    *tls.Config
	http   *http.Client
	// lookup resolves names, for the proxy's targets.
	lookup func(context.Context, string, string) ([]netip.Addr, error)
}

// New is an error where the authorities can't be read.
func New(c Config) (*Client, error) {
	out := &Client{config: c, tls: &tls.Config{MinVersion: tls.VersionTLS12}, lookup: net.DefaultResolver.LookupNetIP}
	var v4, v6 []netip.Prefix
	for _, p := range c.Networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	out.guard = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	if c.Authorities != "" {
		text, err := os.ReadFile(c.Authorities)
		if err != nil {
			return nil, fmt.Errorf("read the authorities of outgoing requests: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", c.Authorities)
		}
		out.tls.RootCAs = pool
	}
	out.http = out.client()
	return out, nil
}

func (c *Client) client() *http.Client {
	t := &http.Transport{
		DialContext: c.dialHTTP, TLSClientConfig: c.tls, TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: headerTime,
		MaxIdleConns: 50, MaxConnsPerHost: 10, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}
	if c.config.Proxy != nil {
		t.Proxy = http.ProxyURL(c.config.Proxy)
	}
	return &http.Client{
		Transport: checked{c, t},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirect {
				return fmt.Errorf("more than %d redirects", maxRedirect)
			}
			if slices.ContainsFunc(append(via[1:], r), func(to *http.Request) bool { return leaves(via[0].URL, to.URL) || strays(to.Context(), to.URL) }) {
				maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return !forAnybody[name] })
			}
			return nil
		},
	}
}

// leaves reports whether what is for the one URL is not for the other.
func leaves(from, to *url.URL) bool {
	return from.Host != to.Host || from.Scheme == "https" && to.Scheme != "https"
}

// forAnybody are the headers that a redirect to elsewhere takes along. A secret may be in
// any other.
var forAnybody = map[string]bool{"Accept": true, "Content-Type": true, "If-None-Match": true, "User-Agent": true}

// HTTP is a client for requests to where users told. Its requests end with their
// context; the response's body has no limit (Read has).
func (c *Client) HTTP() *http.Client { return c.http }

// TLS is how connections are secured that are no HTTP. The caller sets the name.
func (c *Client) TLS() *tls.Config { return c.tls.Clone() }

// Dial connects to where a user told, past any proxy.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if err := c.allowHost(host); err != nil {
		return nil, err
	}
	return c.dialer().DialContext(ctx, network, address)
}

func (c *Client) dialer() *net.Dialer {
	d := &net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}
	if !c.config.AllowPrivate {
		d.ControlContext = func(_ context.Context, network, address string, raw syscall.RawConn) error {
			if err := c.guard.Safe(network, address, raw); err != nil {
				return fmt.Errorf("%w: %w", ErrRefused, err)
			}
			return nil
		}
	}
	return d
}

// dialHTTP connects to the target, or to the proxy.
func (c *Client) dialHTTP(ctx context.Context, network, address string) (net.Conn, error) {
	if c.config.Proxy == nil {
		return c.dialer().DialContext(ctx, network, address)
	}
	return (&net.Dialer{Timeout: dialTime}).DialContext(ctx, network, address) // the one address that is dialed
}

// checked looks at every request, redirected ones too, before it is sent.
type checked struct {
	*Client
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := c.allow(r.Context(), r.URL); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	return c.next.RoundTrip(r)
}

func (c *Client) allow(ctx context.Context, u *url.URL) error {
	if err := c.Check(u); err != nil {
		return err
	}
	if c.config.Proxy == nil || c.config.AllowPrivate {
		return nil // what is dialed is looked at
	}
	// A proxy dials for us: what the name is, as far as it is known here, is looked at.
	addresses := []netip.Addr{}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		addresses = append(addresses, a)
	} else if addresses, err = c.lookup(ctx, "ip", u.Hostname()); err != nil {
		return nil // only the proxy knows the name
	}
	for _, a := range addresses {
		if err := c.guard.SafeAddr(a.Unmap()); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	return nil
}

// Check says what is wrong with a URL that a user wants requests to go to, as far as
// that is seen without asking anybody.
func (c *Client) Check(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("want http:// or https://, got %q", u.Scheme)
	}
	if u.Hostname() == "" {
		return errors.New("the URL has no host")
	}
	if u.User != nil {
		return errors.New("a user or a password in a URL is not sent; give them as a header, by reference")
	}
	return c.allowHost(u.Hostname())
}

// endsInNumber reports whether resolvers that go by inet_aton may read a host as an
// address in one of its older forms: 127.1, 2130706433, 0x7f.0.0.1.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func (c *Client) allowHost(host string) error {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(name); err == nil && !c.config.AllowPrivate {
		if err := c.guard.SafeAddr(a.Unmap().WithZone("")); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	} else if err != nil && endsInNumber(name) {
		return fmt.Errorf("%w: %s is read as different addresses by different programs; write it as four numbers, or with colons", ErrRefused, name)
	}
	if len(c.config.Hosts) == 0 || slices.ContainsFunc(c.config.Hosts, func(h string) bool { return isHost(h, name) }) {
		return nil
	}
	return fmt.Errorf("%w: host %s is none of %s", ErrRefused, name, strings.Join(c.config.Hosts, ", "))
}

// Read reads a body of up to so many bytes; a longer one is an error.
func Read(body io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return text, err
}
