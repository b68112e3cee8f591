package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// placed are secrets of which the operator said so much.
func placed(t *testing.T, said ...string) Secrets {
	t.Helper()
	s := Secrets{Dir: t.TempDir(), Places: map[string][]Place{}}
	for _, text := range said {
		name, p, err := ParsePlace(text)
		if err != nil {
			t.Fatal(err)
		}
		s.Places[name] = append(s.Places[name], p)
	}
	return s
}

// TestASecretGoesToItsPlacesOnly and below them, by whatever name of the same host.
func TestASecretGoesToItsPlacesOnly(t *testing.T) {
	s := placed(t, "soc=https://hooks.example/soc", "soc=https://*.soc.example:8443/", "mail=smtps://mail.example:587", "plain=smtp://mail.example:25", "clear=http://[::1]:80")
	for address, name := range map[string]string{
		"https://hooks.example/soc": "soc", "https://hooks.example/soc/": "soc", "https://HOOKS.example.:443/soc/a?b=c": "soc", "https://a.b.soc.example:8443/x": "soc",
		"smtps://mail.example:587": "mail", "smtp://mail.example:25": "plain", "smtps://mail.example:25": "plain", "http://[::1]/x": "clear",
	} {
		if unsaid, err := s.Check(Named{"secret": "secret:" + name}, address); err != nil || len(unsaid) > 0 {
			t.Errorf("%s may not go to %s: %v %v", name, address, unsaid, err)
		}
	}
	for address, name := range map[string]string{
		"https://hooks.example/": "soc", "https://hooks.example/socks": "soc", "http://hooks.example/soc": "soc", "https://hooks.example:444/soc": "soc", "https://hooks.example.mallory.example/soc": "soc",
		"https://hooks.example/soc/../mallory": "soc", "https://hooks.example/soc/%2e%2e/mallory": "soc", "https://hooks.example/soc%2f..%2fmallory": "soc", `https://hooks.example/soc/..%5cmallory`: "soc", "https://hooks.example/soc/..;/mallory": "soc",
		"https://hooks.example@mallory.example/soc": "soc", "https://mallory.example#@hooks.example/soc": "soc", "https://soc.example:8443/": "soc", "https://mallorysoc.example:8443/": "soc",
		"smtp://mail.example:587": "mail", "smtps://mail.example:25": "mail", "smtps://mail.example:587@mallory.example:25": "mail", "https://[::1]/": "clear",
	} {
		var place *PlaceError
		if _, err := s.Check(Named{"secret": "secret:" + name}, address); !errors.As(err, &place) || !errors.Is(err, ErrRefused) || place.Field != "secret" {
			t.Errorf("%s may go to %s: %v", name, address, err)
		}
	}
	if unsaid, err := s.Check(Named{"headers.X-Key": "secret:other", "secret": "secret:soc"}, "https://hooks.example/soc"); err != nil || len(unsaid) != 1 || unsaid[0] != "other" {
		t.Errorf("of other nothing is said: %v %v", unsaid, err)
	}
}

// TestAPlaceIsOfTheSecretAndNotOfItsName: one variable of the environment has several.
func TestAPlaceIsOfTheSecretAndNotOfItsName(t *testing.T) {
	s := placed(t, "soc-key=https://hooks.example")
	if unsaid, err := s.Check(Named{"secret": "secret:SOC.key"}, "https://mallory.example"); err != nil || len(unsaid) != 1 {
		t.Errorf("two files: %v %v", unsaid, err)
	}
	t.Setenv("NIGHTJAR_SECRET_SOC_KEY", "hush")
	if _, err := s.Check(Named{"secret": "secret:SOC.key"}, "https://mallory.example"); !errors.Is(err, ErrRefused) {
		t.Errorf("one variable: %v", err)
	}
}

// TestAnAddressThatIsASecretIsLookedAt and not shown.
func TestAnAddressThatIsASecretIsLookedAt(t *testing.T) {
	s := placed(t, "url=https://hooks.example/services")
	for text, refused := range map[string]bool{"https://hooks.example/services/T0HUSH\n": false, "https://mallory.example/T0HUSH": true, "https://%zz/T0HUSH": true} {
		if err := os.WriteFile(filepath.Join(s.Dir, "url"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Check(Named{"url": "secret:url"}, "secret:url")
		if (err != nil) != refused || err != nil && strings.Contains(err.Error(), "HUSH") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAPlaceThatIsNoneIsSaid(t *testing.T) {
	for _, text := range []string{
		"soc", "=https://a.example", "a/b=https://a.example", "soc=hunter2", "soc=https://", "soc=ftp://a.example", "soc=https://u:hunter2@a.example", "soc=https://a.example/?k=hunter2", "soc=https://a.example/#x",
		"soc=https://a.*.example", "soc=https://*", "soc=smtps://mail.example", "soc=smtps://mail.example:25/x", "soc=https://a.example/../b", "target-webhook-soc=https://a.example",
	} {
		if _, _, err := ParsePlace(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestARedirectTakesNoSecretOutOfItsPlace though it stays at the host.
func TestARedirectTakesNoSecretOutOfItsPlace(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-Key")
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	t.Setenv("NIGHTJAR_SECRET_SOC", "hush")
	s := placed(t, "soc="+server.URL+"/soc")
	c := client(t, Config{AllowPrivate: true})
	headers := map[string]string{"X-Key": "secret:soc"}
	named := Named{}
	named.AddHeaders(headers)
	for to, want := range map[string]string{"/soc/b": "hush", "/mallory": "", "/mallory?to=/soc/b": ""} {
		at, _ := url.Parse(server.URL + "/soc/a?to=" + url.QueryEscape(to))
		ctx, err := s.Carry(t.Context(), named, at)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
		if err := s.SetHeaders(r, headers); err != nil {
			t.Fatal(err)
		}
		answer, err := c.HTTP().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got != want {
			t.Errorf("a redirect to %s has %q", to, got)
		}
	}
}
