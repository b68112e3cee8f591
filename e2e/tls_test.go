package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	nightjarv1 "nightjar/api/v1"
	"nightjar/testenv"
)

// TestTheAPIIsServedOverTLS on both addresses, to clients of HTTP/1, HTTP/2 and gRPC, with
// certificates that are read anew, and to nobody in plain text.
func TestTheAPIIsServedOverTLS(t *testing.T) {
	t.Parallel() // it waits more than it works
	testenv.RequireLibrary(t)
	dir := t.TempDir()
	authority := testenv.NewAuthority(t, dir)
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	authority.Issue(t, "nightjar.test", certificate, key)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	trusted := trust(t, authority.CA)
	p := &process{
		t: t, path: path, dir: filepath.Join(dir, "data"), args: []string{"--tls-cert", certificate, "--tls-key", key, "--allowed-host", "nightjar.test"},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: trusted.Clone()}},
	}
	p.start()
	t.Cleanup(p.end)
	if !strings.HasPrefix(p.base, "https://") || !strings.Contains(p.output.String(), "served over TLS") {
		t.Fatalf("announced %s:\n%s", p.base, p.output)
	}
	address := strings.TrimPrefix(p.base, "https://")

	for _, transport := range []*http.Transport{{TLSClientConfig: trusted.Clone()}, {TLSClientConfig: trusted.Clone(), ForceAttemptHTTP2: true}} {
		resp, err := (&http.Client{Transport: transport}).Get(p.base + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s", resp.Status)
		}
	}
	for _, at := range []string{address, p.grpc} {
		conn, err := grpc.NewClient(at, grpc.WithTransportCredentials(credentials.NewTLS(trusted.Clone())))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx := metadata.AppendToOutgoingContext(t.Context(), "dd-api-key", p.key)
		if _, err := nightjarv1.NewStatusServiceClient(conn).GetStatus(ctx, &nightjarv1.GetStatusRequest{}); err != nil {
			t.Errorf("gRPC at %s: %v", at, err)
		}
		if _, err := nightjarv1.NewStatusServiceClient(conn).GetStatus(t.Context(), &nightjarv1.GetStatusRequest{}); status.Code(err) != codes.Unauthenticated {
			t.Errorf("gRPC at %s without a key: %v", at, err)
		}
	}
	if resp, err := http.Get("http://" + address + "/api/v1/validate"); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("in plain text: %s", resp.Status)
		}
	}

	// The command line knows it by its authority, and not without.
	if _, said, code := p.run("status"); code == 0 || !strings.Contains(said, "--ca") {
		t.Errorf("without the authority: %d %s", code, said)
	}
	if _, said, code := p.run("status", "--ca", authority.CA); code != 0 {
		t.Errorf("with it: %s", said)
	}
	if _, said, code := p.run("status", "--ca", authority.CA, "--server-name", "other.test"); code == 0 {
		t.Errorf("by another name: %s", said)
	}

	before := serial(t, address, trusted)
	time.Sleep(10 * time.Millisecond) // the files' times differ
	authority.Issue(t, "nightjar.test", certificate, key)
	p.await("the new certificate", func() bool { return serial(t, address, trusted) != before })
	now := serial(t, address, trusted)
	if err := os.WriteFile(certificate, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.await("what is told of the broken one", func() bool {
		return serial(t, address, trusted) == now && strings.Contains(p.output.String(), "the former ones stay")
	})
}

// TestShippersComeInByCertificate over REST and gRPC, without a key, and do nothing else.
func TestShippersComeInByCertificate(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	dir := t.TempDir()
	authority := testenv.NewAuthority(t, dir)
	file := func(name string) string { return filepath.Join(dir, name) }
	authority.Issue(t, "nightjar.test", file("cert.pem"), file("key.pem"))
	authority.Issue(t, "web-1", file("client.pem"), file("client-key.pem"))
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	shipper := trust(t, authority.CA)
	shown, err := tls.LoadX509KeyPair(file("client.pem"), file("client-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	shipper.Certificates = []tls.Certificate{shown}
	p := &process{
		t: t, path: path, dir: file("data"), args: []string{"--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--tls-client-ca", authority.CA, "--tls-require-client-cert"},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: trust(t, authority.CA)}},
	}
	p.start()
	t.Cleanup(p.end)
	key := p.make("keys", map[string]string{"name": "intake", "role": "intake"}).Key
	if status, answer := p.as(key, "POST", "/api/v2/logs", `[{"message":"x"}]`); status != http.StatusForbidden {
		t.Errorf("a key without a certificate: %d %s", status, answer)
	}
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: shipper}}
	for path, want := range map[string]int{"/api/v2/logs": http.StatusAccepted, "/api/v2/logs/events/search": http.StatusForbidden} {
		if status, answer := p.as("", "POST", path, `[{"message":"x"}]`); status != want {
			t.Errorf("%s by certificate: %d %s", path, status, answer)
		}
	}
	conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(credentials.NewTLS(shipper.Clone())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := nightjarv1.NewStatusServiceClient(conn).ValidateKey(t.Context(), &nightjarv1.ValidateKeyRequest{}); err != nil {
		t.Errorf("gRPC by certificate: %v", err)
	}
	if _, err := nightjarv1.NewStatusServiceClient(conn).GetStatus(t.Context(), &nightjarv1.GetStatusRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("gRPC, what a shipper may not: %v", err)
	}
}

// TestTheAPIIsNotServedToEverybodyByMistake names what is refused at the start.
func TestTheAPIIsNotServedToEverybodyByMistake(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--http", "0.0.0.0:0"}, "http: 0.0.0.0:0 is beyond loopback"},
		{[]string{"--http", ":0"}, "is beyond loopback"},
		{[]string{"--grpc", "[::]:0"}, "grpc: [::]:0 is beyond loopback"},
		{[]string{"--tls-cert", "/no/file"}, "tls-cert and tls-key are needed together"},
		{[]string{"--tls-cert", "/no/file", "--tls-key", "/no/file"}, "tls-cert /no/file"},
		{[]string{"--tls-client-ca", "/no/file"}, "tls-cert and tls-key are needed"},
		{[]string{"--tls-require-client-cert"}, "needs tls-client-ca"},
	} {
		p := &process{t: t, path: path, dir: filepath.Join(t.TempDir(), "data")}
		out, err := p.upEnds(append([]string{"--grpc", "127.0.0.1:0"}, c.args...))
		if err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%q: %v %s", c.args, err, out)
		}
	}
}

// upEnds runs an engine that ends by itself.
func (p *process) upEnds(args []string) (string, error) {
	out, err := exec.Command(p.path, append([]string{"up", "--data-dir", p.dir}, args...)...).CombinedOutput()
	return string(out), err
}

func trust(t *testing.T, ca string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate in", ca)
	}
	return &tls.Config{RootCAs: pool}
}

// serial is the number of the certificate that is shown now.
func serial(t *testing.T, address string, config *tls.Config) string {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config.Clone())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return fmt.Sprint(conn.ConnectionState().PeerCertificates[0].SerialNumber)
}
