package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestViewsAreTheirOwnersUnlessTheyAreShared keeps views of two people.
func TestViewsAreTheirOwnersUnlessTheyAreShared(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	ada := p.make("keys", map[string]string{"name": "ada", "role": "analyst"}).Key
	ken := p.make("keys", map[string]string{"name": "ken", "role": "analyst"}).Key
	reader := p.make("keys", map[string]string{"name": "eve", "role": "reader"}).Key
	const path = "/api/nightjar/v1/views"
	ids := map[string]string{}
	for name, body := range map[string]string{
		"mine":   `{"name":"mine","kind":"signals","address":"/signals?query=state%3Aopen&cols=host"}`,
		"ours":   `{"name":"ours","kind":"search","shared":true,"address":"/search?query=x"}`,
		"counts": `{"name":"counts","kind":"sql","statement":"SELECT count() FROM events"}`,
	} {
		status, answer := p.as(ada, http.MethodPost, path, body)
		var made struct{ ID, Owner string }
		if json.Unmarshal([]byte(answer), &made); status != http.StatusCreated || made.Owner != "ada" {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
		ids[name] = made.ID
	}
	seen := func(key, query string) string {
		status, answer := p.as(key, http.MethodGet, path+query, "")
		var list struct {
			Views []struct {
				Name string
				Mine bool
			}
		}
		if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		var out []string
		for _, v := range list.Views {
			out = append(out, v.Name+map[bool]string{true: "!", false: ""}[v.Mine])
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ key, query, want string }{
		{ada, "", "counts! mine! ours!"}, {ada, "?kind=sql", "counts!"}, {ken, "", "ours"}, {reader, "", "ours"},
	} {
		if got := seen(c.key, c.query); got != c.want {
			t.Errorf("%s: got %q, want %q", c.query, got, c.want)
		}
	}
	for _, c := range []struct {
		key, method, path, body string
		status                  int
	}{
		{ken, http.MethodDelete, path + "/" + ids["mine"], "", http.StatusNotFound},
		{ken, http.MethodDelete, path + "/" + ids["ours"], "", http.StatusForbidden},
		{ken, http.MethodPut, path + "/" + ids["ours"], `{"name":"his","kind":"search","address":"/search"}`, http.StatusForbidden},
		{reader, http.MethodPost, path, `{"name":"x","kind":"search","address":"/search"}`, http.StatusForbidden},
		{ada, http.MethodPost, path, `{"name":"mine","kind":"signals","address":"/signals"}`, http.StatusBadRequest},
		{ada, http.MethodPost, path, `{"name":"out","kind":"signals","address":"https://evil.example/"}`, http.StatusBadRequest},
		{ada, http.MethodPost, path, `{"name":"out","kind":"signals","address":"//evil.example/signals"}`, http.StatusBadRequest},
		{ada, http.MethodPut, path + "/" + ids["ours"], `{"name":"theirs","kind":"search","shared":true,"address":"/search"}`, http.StatusOK},
	} {
		if status, answer := p.as(c.key, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, status, answer, c.status)
		}
	}
	p.terminate()
	p.start()
	if got := seen(ken, ""); got != "theirs" {
		t.Errorf("after a restart: %q", got)
	}
}
