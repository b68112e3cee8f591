package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/objects/objectstest"
)

// TestTargetsOfTheFileAreThoseThatTheAPIWouldHave starts three times with a file, the last
// time with another address: no secret of it is stored, and nothing changes in between.
func TestTargetsOfTheFileAreThoseThatTheAPIWouldHave(t *testing.T) {
	table, secrets := &objectstest.Table{}, outbound.Secrets{Dir: t.TempDir()}
	for _, start := range []struct {
		url     string
		version int64
	}{{"https://hooks.example/first", 1}, {"https://hooks.example/first", 1}, {"https://hooks.example/second", 1}} {
		targets, err := parseTargets([]any{
			map[string]any{"name": "soc", "type": "slack", "url": start.url, "on": []any{}},
			map[string]any{"name": "soc", "type": "webhook", "url": start.url},
		})
		if err != nil {
			t.Fatal(err)
		}
		store := objects.New(configuration.NotificationTargets, table, time.Now)
		if err := store.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := applyTargets(t.Context(), store, secrets, targets); err != nil {
			t.Fatal(err)
		}
		all, err := store.List(t.Context())
		if err != nil || len(all) != 2 {
			t.Fatalf("%v %v", all, err)
		}
		for _, v := range all {
			url, err := secrets.Value(v.Body.URL)
			if err != nil || url != start.url || outbound.IsSecret(v.Body.URL) != (v.Body.Type == "slack") {
				t.Errorf("%+v is at %q (%v)", v.Body, url, err)
			}
			if v.Body.Type == "slack" && v.Version != start.version {
				t.Errorf("a start that changes nothing made version %d", v.Version)
			}
		}
	}
	kept, err := os.ReadDir(secrets.Dir)
	if err != nil || len(kept) != 1 || kept[0].Name() != "target-slack-soc.url" {
		t.Errorf("%v %v in %s", kept, err, filepath.Base(secrets.Dir))
	}
}

func TestAFileHasATargetOnce(t *testing.T) {
	one := map[string]any{"name": "soc", "type": "webhook", "url": "https://hooks.example/"}
	_, err := parseTargets([]any{one, one})
	if err == nil || !strings.Contains(err.Error(), "notification_targets[1] soc: there is a target @webhook-soc above it already") {
		t.Errorf("got %v", err)
	}
}

// TestATargetOfTheFileNamesSecrets of which nothing is said, and others for their places only.
func TestATargetOfTheFileNamesSecrets(t *testing.T) {
	c, err := parseOutbound(map[string]string{"allow-private-targets": "false", "outbound-secret": joinList([]string{"soc=https://soc.example/", "soc=https://*.soc.example/"})})
	if err != nil || len(c.Places["soc"]) != 2 {
		t.Fatalf("%+v %v", c, err)
	}
	if _, err := parseOutbound(map[string]string{"allow-private-targets": "false", "outbound-secret": "soc"}); err == nil || !strings.Contains(err.Error(), "outbound-secret: want NAME=ADDRESS") {
		t.Errorf("got %v", err)
	}
	store := objects.New(configuration.NotificationTargets, &objectstest.Table{}, time.Now)
	for name, refused := range map[string]bool{"soc": true, "other": false} {
		targets, err := parseTargets([]any{map[string]any{"name": name, "type": "webhook", "url": "https://hooks.example/", "secret": "secret:" + name}})
		if err != nil {
			t.Fatal(err)
		}
		err = applyTargets(t.Context(), store, outbound.Secrets{Dir: t.TempDir(), Places: c.Places}, targets)
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "https://soc.example/ and https://*.soc.example/") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
