package attack

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"nightjar/content"
)

func TestTheTableCanBeRead(t *testing.T) {
	m := Known()
	subs := 0
	for i := range m.Techniques {
		if len(m.Techniques[i].Tactics) == 0 {
			t.Errorf("%s serves no tactic", m.Techniques[i].ID)
		}
		if strings.Contains(m.Techniques[i].ID, ".") {
			subs++
		}
	}
	if len(m.Tactics) != 14 || len(m.Techniques)-subs < 200 || subs < 450 {
		t.Errorf("%d tactics, %d techniques, %d sub-techniques", len(m.Tactics), len(m.Techniques)-subs, subs)
	}
	for text, want := range map[string]string{
		"T1 x y":            "neither",
		".001 A":            "of nothing",
		"T1110 nowhere A":   "no tactic nowhere",
		"TA0006 a B\nT1110": "neither",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestTagsOfBundledRulesAreOfTheTable(t *testing.T) {
	known := map[string]bool{}
	for _, x := range Known().Techniques {
		known[x.ID] = true
	}
	for _, x := range Known().Tactics {
		known[x.ID] = true
	}
	files, err := fs.Glob(content.Files, "rules/*.json")
	if err != nil {
		t.Fatal(err)
	}
	tagged := 0
	for _, file := range files {
		text, err := fs.ReadFile(content.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		var rule struct{ Tags []string }
		if err := json.Unmarshal(text, &rule); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		claims := ClaimsOf(rule.Tags)
		for _, id := range append(claims.Techniques, claims.Tactics...) {
			tagged++
			if !known[id] {
				t.Errorf("%s: no %s is known", file, id)
			}
		}
	}
	if tagged < 100 {
		t.Errorf("only %d tags were read", tagged)
	}
}

func TestClaimsAreWhatTagsName(t *testing.T) {
	got := ClaimsOf([]string{"technique:T1110.003-password-spraying", "technique:t1110", "technique:T1110-brute-force", "tactic:TA0006-credential-access", "tactic:TA0006", "technique:T111", "technique:T11100", "technique:T1110.0031", "tactic:TA00061", "source:x", "technique:"})
	want := Claims{Techniques: []string{"T1110.003", "T1110"}, Tactics: []string{"TA0006"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(table)
	f.Add("TA0001 a B\nT0001 a C\n.001 D")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse(text)
		if err == nil && m == nil {
			t.Error("nothing, and no error")
		}
	})
}
