package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	transport "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// OverTLS prepares the configuration of a handshake. Clients of gRPC speak HTTP/2 and
// nothing else; all others are given HTTP/1, so that on an address of both they are told
// apart as in plain text.
func OverTLS(c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} }

// secured is a listener over TLS, where it is wanted.
func (s *Server) secured(l net.Listener) net.Listener {
	if s.deps.TLS == nil {
		return l
	}
	return tls.NewListener(l, s.deps.TLS)
}

// tlsOf is the TLS below a connection; nil: there is none.
func tlsOf(c net.Conn) *tls.Conn {
	for {
		switch below := c.(type) {
		case *counted:
			c = below.Conn
		case *peeked:
			c = below.Conn
		case *tls.Conn:
			return below
		default:
			return nil
		}
	}
}

type tlsContext struct{}

// keepTLS has requests know the TLS of their connection, which is hidden from net/http by
// who looked at its first bytes.
func keepTLS(ctx context.Context, c net.Conn) context.Context {
	if secure := tlsOf(c); secure != nil {
		return context.WithValue(ctx, tlsContext{}, secure)
	}
	return ctx
}

// withTLS gives requests what keepTLS kept.
func withTLS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if secure, ok := r.Context().Value(tlsContext{}).(*tls.Conn); ok {
			state := secure.ConnectionState()
			r.TLS = &state
		}
		next.ServeHTTP(w, r)
	})
}

// accepted are credentials of gRPC's server for connections whose listener speaks TLS, or
// none: they end the handshake and tell gRPC who showed which certificate.
type accepted struct {
	transport.TransportCredentials // of plain text
}

func newAccepted() transport.TransportCredentials { return accepted{insecure.NewCredentials()} }

// ServerHandshake implements transport.TransportCredentials.
func (a accepted) ServerHandshake(c net.Conn) (net.Conn, transport.AuthInfo, error) {
	secure := tlsOf(c)
	if secure == nil {
		return a.TransportCredentials.ServerHandshake(c)
	}
	if err := secure.Handshake(); err != nil {
		return nil, nil, err
	}
	state := secure.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		return nil, nil, errors.New("gRPC is spoken over HTTP/2: the client must offer h2")
	}
	return c, transport.TLSInfo{State: state, CommonAuthInfo: transport.CommonAuthInfo{SecurityLevel: transport.PrivacyAndIntegrity}}, nil
}

// Clone implements transport.TransportCredentials.
func (a accepted) Clone() transport.TransportCredentials { return newAccepted() }
