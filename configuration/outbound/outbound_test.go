package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func client(t *testing.T, c Config) *Client {
	t.Helper()
	out, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNothingThatIsNotAllowedIsReached tries ways to a server on loopback, and to other
// special addresses.
func TestNothingThatIsNotAllowedIsReached(t *testing.T) {
	reached := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c := client(t, Config{})
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.0.0.1.", "127.255.255.254",
		"169.254.169.254", "[fe80::1]", "[fe80::1%25lo]", "[fd00:ec2::254]", "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.0.1", "192.0.0.192", "198.18.0.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "[ff02::1]", "[fc00::1]", "[::ffff:169.254.169.254]", "[2001:db8::1]", "[2001::1]", "192.0.2.1",
	} {
		r, err := c.HTTP().Get("http://" + host + ":" + port + "/")
		if err == nil {
			r.Body.Close()
			t.Errorf("%s was reached", host)
		}
	}
	if reached {
		t.Error("the server on loopback was reached")
	}
	if _, err := c.Dial(context.Background(), "tcp", s.Listener.Addr().String()); !errors.Is(err, ErrRefused) {
		t.Errorf("dialing: %v", err)
	}
}

func TestRedirectsAreLookedAt(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the target of a redirect was reached") }))
	defer inside.Close()
	var key string
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/inside":
			http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		default:
			key = r.Header.Get("Authorization")
		}
	}))
	defer outside.Close()
	// One loopback address is allowed, the other is not.
	inside.Listener.Close()
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("needs root or another kernel: no second loopback address")
	}
	other := &httptest.Server{Listener: listener, Config: &http.Server{Handler: inside.Config.Handler}}
	other.Start()
	defer other.Close()
	inside.URL = other.URL
	c := client(t, Config{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	for _, path := range []string{"/inside", "/loop", "/file"} {
		if r, err := c.HTTP().Get(outside.URL + path); err == nil {
			r.Body.Close()
			t.Errorf("%s was followed", path)
		}
	}
	req, _ := http.NewRequest(http.MethodGet, outside.URL+"/", nil)
	req.Header.Set("Authorization", "secret")
	if r, err := c.HTTP().Do(req); err != nil || key != "secret" {
		t.Errorf("what is allowed is not reached: %v, %q", err, key)
	} else {
		r.Body.Close()
	}
}

func TestTheTargetOfAProxyIsLookedAt(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) }))
	defer proxy.Close()
	u, _ := url.Parse(proxy.URL)
	c := client(t, Config{Proxy: u})
	c.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		switch host {
		case "rebound.example":
			return []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("127.0.0.1")}, nil
		case "public.example":
			return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
		}
		return nil, errors.New("no such host")
	}
	for target, allowed := range map[string]bool{"http://127.0.0.1/": false, "http://rebound.example/": false, "http://public.example/": true, "http://only.proxy.knows.example/": true, "http://169.254.169.254/": false,
		"http://2130706433/": false, "http://127.1/": false, "http://0x7f.0.0.1/": false, "http://0x7F000001/": false, "http://0177.0.0.1./": false, "http://a.7x/": true,
	} {
		asked = nil
		if r, err := c.HTTP().Get(target); err == nil {
			r.Body.Close()
		}
		if (len(asked) == 1) != allowed {
			t.Errorf("%s: the proxy was asked for %q", target, asked)
		}
	}
}

// TestARedirectTakesNoSecretElsewhere sends headers as users set them, under any name.
func TestARedirectTakesNoSecretElsewhere(t *testing.T) {
	var got http.Header
	var back string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got = r.Header; r.URL.Path == "/back" {
			http.Redirect(w, r, back+"/end", http.StatusFound)
		}
	}))
	defer elsewhere.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch got = r.Header; r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, elsewhere.URL+"/", http.StatusFound)
		case "/and-back":
			http.Redirect(w, r, elsewhere.URL+"/back", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	}))
	defer first.Close()
	back = first.URL
	c := client(t, Config{AllowPrivate: true})
	for path, kept := range map[string]bool{"/elsewhere": false, "/and-back": false, "/here": true} {
		req, _ := http.NewRequest(http.MethodGet, first.URL+path, nil)
		for _, name := range []string{"Authorization", "X-Otx-Api-Key", "Private-Token", "X-Anything"} {
			req.Header.Set(name, "secret")
		}
		req.Header.Set("Accept", "a/b")
		r, err := c.HTTP().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		for _, name := range []string{"Authorization", "X-Otx-Api-Key", "Private-Token", "X-Anything"} {
			if (got.Get(name) != "") != kept {
				t.Errorf("%s: %s is %q where the redirect ends", path, name, got.Get(name))
			}
		}
		if got.Get("Accept") != "a/b" {
			t.Errorf("%s: Accept is lost", path)
		}
	}
	from, _ := url.Parse("https://a.example/")
	to, _ := url.Parse("http://a.example/")
	if !leaves(from, to) || leaves(to, from) {
		t.Error("what was encrypted goes on in clear")
	}
}

func TestOnlyTheHostsOfAListAreReached(t *testing.T) {
	c := client(t, Config{AllowPrivate: true, Hosts: []string{"feeds.example", "*.intel.example"}})
	for text, allowed := range map[string]bool{
		"https://feeds.example/a": true, "https://FEEDS.example./a": true, "https://a.intel.example/": true, "https://intel.example/": false,
		"https://feeds.example.evil.example/": false, "https://xintel.example/": false, "ftp://feeds.example/": false, "https://u:p@feeds.example/": false, "https:///a": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Check(u); (err == nil) != allowed {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatIsTooLongIsAnError(t *testing.T) {
	if _, err := Read(strings.NewReader("12345"), 4); err == nil {
		t.Error("five bytes were read, of four")
	}
	if text, err := Read(strings.NewReader("1234"), 4); err != nil || string(text) != "1234" {
		t.Errorf("%q %v", text, err)
	}
}

func TestSecretsAreWrittenAsReferences(t *testing.T) {
	s := Secrets{Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(s.Dir, "feed"), []byte("Bearer abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIGHTJAR_SECRET_OF_ENV", "x")
	r, _ := http.NewRequest(http.MethodGet, "http://a.example", nil)
	if err := s.SetHeaders(r, map[string]string{"Authorization": "secret:feed", "X-Key": "secret:of-env", "Accept": "a/b"}); err != nil ||
		r.Header.Get("Authorization") != "Bearer abc" || r.Header.Get("X-Key") != "x" || r.Header.Get("Accept") != "a/b" {
		t.Errorf("%v %v", r.Header, err)
	}
	if err := s.SetHeaders(r, map[string]string{"Authorization": "secret:none"}); err == nil || !strings.Contains(err.Error(), "there is no secret none") {
		t.Error(err)
	}
	for header, good := range map[string]bool{
		"Authorization: Bearer abc": false, "X-Api-Key: abc": false, "Accept: a/b": true, "Authorization: secret:a": true, "Authorization: secret:../a": false,
		"Host: a": false, "a b: c": false, "A: b\nc": false, "Private-Token: x": false,
	} {
		name, value, _ := strings.Cut(header, ": ")
		if err := CheckHeader(name, value); (err == nil) != good {
			t.Errorf("%q: %v", header, err)
		}
	}
}
