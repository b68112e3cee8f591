package pipeline

import (
	"strings"
	"testing"

	"nightjar/schema"
)

// What each pattern finds, and what looks like it and is none. The numbers are those
// that networks and banks publish for tests.
func TestSecretsAreFoundByName(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{"card_number", "card 4111 1111 1111 1111 of ann", "card [card_number] of ann"},
		{"card_number", "5555-5555-5555-4444,378282246310005", "[card_number],[card_number]"},
		{"card_number", "4111 1111 1111 1112", "4111 1111 1111 1112"}, // Luhn says no
		{"card_number", "at 1700000000009 and 4111111111111111x", "at 1700000000009 and 4111111111111111x"},
		{"card_number", "id 41111111111111110000000", "id 41111111111111110000000"},
		{"email", "from <ann.b+x@mail.example.org>, not ann@host", "from <[email]>, not ann@host"},
		{"iban", "to DE89 3704 0044 0532 0130 00.", "to [iban]."},
		{"iban", "GB82WEST12345698765432 GB82WEST12345698765433", "[iban] GB82WEST12345698765433"},
		{"bearer_token", "Authorization: Bearer abcDEF123.xyz-_~+/=", "Authorization: Bearer [bearer_token]"},
		{"jwt", "t=eyJhbGciOi.eyJzdWIi.c2ln;", "t=[jwt];"},
		{"aws_access_key", "key AKIAIOSFODNN7EXAMPLE and AKIAshort", "key [aws_access_key] and AKIAshort"},
		{"aws_secret_key", `aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"`, `aws_secret_access_key = "[aws_secret_key]"`},
		{"private_key", "x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y", "x [private_key] y"},
		{"private_key", "-----BEGIN PRIVATE KEY-----\nMIIE that was cut", "[private_key]"},
		{"url_password", "postgres://ann:s3cret@db:5432/x https://h/p", "postgres://ann:[url_password]@db:5432/x https://h/p"},
	} {
		r := recordOf(t, "")
		r.Message = c.text
		NewSet([]*Pipeline{pipelineOf(t, "- {type: scrub, patterns: ["+c.pattern+"]}")}, worldOf()).Run(r)
		if r.Message != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.pattern, r.Message, c.want)
		}
	}
}

func TestWhatIsRedactedIsRedactedEverywhere(t *testing.T) {
	r := recordOf(t, `{"a":{"b":["x ann@example.org",1]},"n":4111111111111111,"c":"kept"}`)
	r.Message, r.Tags = "mail to ann@example.org", []string{"owner:ann@example.org", "env:prod"}
	counts := &Counts{}
	d := worldOf()
	d.Counts = counts
	applied := NewSet([]*Pipeline{pipelineOf(t, "- {type: scrub, patterns: [email, card_number]}")}, d).Run(r)
	if got, want := shown(r), `{"a":{"b":["x [email]",1]},"n":"[card_number]","c":"kept"}`; got != want {
		t.Errorf("attributes: got %s, want %s", got, want)
	}
	if r.Message != "mail to [email]" || strings.Join(r.Tags, ",") != "owner:[email],env:prod" {
		t.Errorf("message %q, tags %v", r.Message, r.Tags)
	}
	if got := applied.Redacted(`{"m":"bob@example.org"}`); got != `{"m":"[email]"}` {
		t.Errorf("the raw record is %s", got)
	}
	if n := counts.All()["test"].Redacted; n != 4 {
		t.Errorf("%d places were counted, want 4", n)
	}
}

func TestOnlySomeAttributesAreRedacted(t *testing.T) {
	r := recordOf(t, `{"usr":{"email":"a\"n@example.org","other":"b@example.org"}}`)
	applied := NewSet([]*Pipeline{pipelineOf(t, `- {type: scrub, expressions: [{name: mail, regex: '\S+@example\.org'}], sources: [usr.email], replacement: "***"}`)}, worldOf()).Run(r)
	if got, want := shown(r), `{"usr":{"other":"b@example.org","email":"***"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	raw := `{"usr":{"email":` + schema.QuoteJSON(`a"n@example.org`) + `},"m":"a"}`
	if got := applied.Redacted(raw); got != `{"usr":{"email":"***"},"m":"a"}` {
		t.Errorf("the raw record is %s", got)
	}
}

func TestAHashIsTheSameForTheSameTextAndKey(t *testing.T) {
	hashed := func(key, text string) string {
		r := recordOf(t, "")
		r.Message = text
		d := worldOf()
		d.HashKey = []byte(key)
		NewSet([]*Pipeline{pipelineOf(t, "- {type: scrub, patterns: [email], hash: true}")}, d).Run(r)
		return r.Message
	}
	a := hashed("k", "ann@example.org")
	if a != hashed("k", "ann@example.org") || a == hashed("k", "bob@example.org") || a == hashed("other", "ann@example.org") || !strings.HasPrefix(a, "email:") || strings.Contains(a, "ann") {
		t.Errorf("got %s", a)
	}
}

// A pipeline that has no time left redacts all the same, also within a nested one.
func TestWhatIsToBeHiddenIsHiddenWhenTheTimeIsUp(t *testing.T) {
	p := pipelineOf(t, strings.Repeat("- {type: string-builder-processor, template: x, target: a}\n", 8)+
		"- {type: string-builder-processor, template: late, target: b}\n- {type: scrub, patterns: [email]}\n"+
		"- type: pipeline\n  processors:\n    - {type: string-builder-processor, template: late, target: b}\n    - {type: scrub, expressions: [{name: word, regex: secret}]}")
	r := recordOf(t, "")
	r.Message = "ann@example.org secret"
	set := NewSet([]*Pipeline{p}, Deps{Budget: 1})
	x := &run{Record: r, set: set, stopped: true}
	x.process(p.Processors, nil)
	if r.Message != "[email] [word]" {
		t.Errorf("message %q", r.Message)
	}
	if got := shown(r); got != `{}` {
		t.Errorf("other processors ran: %s", got)
	}
}

func TestScrubsThatSayNothingAreRefused(t *testing.T) {
	for processors, want := range map[string]string{
		"- {type: scrub}":                                                                       "there is no pattern",
		"- {type: scrub, patterns: [emails]}":                                                   `did you mean "email"?`,
		"- {type: scrub, expressions: [{name: x, regex: 'a*'}]}":                                "matches the empty text",
		"- {type: scrub, expressions: [{name: x, regex: '(a)(b)'}]}":                            "more than one group",
		"- {type: scrub, expressions: [{name: x, regex: '(a'}]}":                                "missing closing )",
		"- {type: scrub, patterns: [email], sources: []}":                                       "there is no source",
		"- {type: scrub, patterns: [email], hash: true, replacement: x}":                        "not replaced",
		"- {type: scrub, expressions: [{name: x, regex: '" + strings.Repeat("a", 1001) + "'}]}": "1000 are the most",
	} {
		_, err := Parse("name: t\nprocessors:\n"+processors, ParseOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", processors, err, want)
		}
	}
}

func TestWhatListsAndKeysThatComeTwiceHoldIsRedacted(t *testing.T) {
	for _, c := range []struct{ sources, before, want string }{
		{"[u.mail]", `{"u":[{"mail":"ann@example.org"},{"mail":["bob@example.org"]},{"n":1}]}`, `{"u":[{"mail":"[email]"},{"mail":["[email]"]},{"n":1}]}`},
		{"[u.1.mail]", `{"u":[{"mail":"ann@example.org"},{"mail":"bob@example.org"}]}`, `{"u":[{"mail":"ann@example.org"},{"mail":"[email]"}]}`},
		{"[u.mail]", `{"u.mail":"ann@example.org","u":{"mail":"bob@example.org"}}`, `{"u.mail":"[email]","u":{"mail":"[email]"}}`},
		{"[u]", `{"u":{"mail":"ann@example.org","mail":"bob@example.org"}}`, `{"u":{"mail":"[email]"}}`},
		{"[u]", `{"u":{"mail":"ann@example.org","mail":"nobody"}}`, `{"u":{"mail":"nobody"}}`},
	} {
		set := NewSet([]*Pipeline{pipelineOf(t, "- {type: scrub, patterns: [email], sources: "+c.sources+"}")}, worldOf())
		r := recordOf(t, c.before)
		set.Run(r)
		if got := shown(r); got != c.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", c.sources, c.before, got, c.want)
		}
	}
}

// A replacement is short, and what consists of secrets alone does not grow by it.
func TestWhatIsRedactedDoesNotGrowWithoutEnd(t *testing.T) {
	document := func(replacement string) string {
		return "name: a\nprocessors: [{type: scrub, expressions: [{name: x, regex: x}], replacement: " + replacement + "}]"
	}
	if _, err := Parse(document(strings.Repeat("y", 1000)), ParseOptions{Enabled: true}); err == nil || !strings.Contains(err.Error(), "256 are the most") {
		t.Errorf("a long replacement: %v", err)
	}
	r := recordOf(t, `{"a":"`+strings.Repeat("x", 100_000)+`"}`)
	setOf(t, worldOf(), document(strings.Repeat("y", 256))).Run(r)
	if n := len(shown(r)); n > 1000 {
		t.Errorf("the record has %d bytes", n)
	}
}
