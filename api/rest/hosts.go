package rest

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"nightjar/api"
)

// hosts are the names by which the engine may be called. A page of another site
// can have its own name point here, and a browser takes the answers to be that page's;
// what it can't do is call itself by one of these.
type hosts struct {
	names      map[string]bool
	anyAddress bool // the listener is on every address of the machine
}

// newHosts allows loopback, the address that is listened on, and the names given.
func newHosts(listen string, names []string) hosts {
	h := hosts{names: map[string]bool{"localhost": true}}
	if host, _, err := net.SplitHostPort(listen); err == nil {
		address, err := netip.ParseAddr(host)
		h.anyAddress = host == "" || err == nil && address.IsUnspecified()
		h.names[strings.ToLower(host)] = true
	}
	for _, name := range names {
		h.names[hostName(name)] = true
	}
	return h
}

// hostName is a Host header without its port, in small letters.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// allows reports whether a request may be for this host. Without a name, HTTP/1.0
// has none, it came from no browser.
func (h hosts) allows(host string) bool {
	name := hostName(host)
	if name == "" || h.names[name] || strings.HasSuffix(name, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Zone() == "" && (address.Unmap().IsLoopback() || h.anyAddress)
}

// onlyForHosts answers a request only where it is for one of the hosts.
func (h *Handler) onlyForHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.hosts.allows(r.Host) {
			(&api.Error{
				Code: api.CodePermissionDenied, Status: http.StatusMisdirectedRequest,
				Message: fmt.Sprintf("this engine does not answer to the name %s; if it should, start it with --allowed-host %s", api.Shorten(hostName(r.Host)), api.Shorten(hostName(r.Host))),
			}).Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
