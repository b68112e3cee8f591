package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stixObject is what is read of an object of STIX 2.
type stixObject struct {
	Type        string    `json:"type"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Pattern     string    `json:"pattern"`
	PatternType string    `json:"pattern_type"`
	Types       []string  `json:"indicator_types"`
	Labels      []string  `json:"labels"`
	ValidUntil  time.Time `json:"valid_until"`
	Revoked     bool      `json:"revoked"`
}

// Page is where a page of a TAXII collection ends.
type Page struct {
	More bool   `json:"more"`
	Next string `json:"next"`
}

// stix reads a bundle, or the envelope of a TAXII collection.
func (l *list) stix(text []byte) error {
	var bundle struct {
		Objects []json.RawMessage `json:"objects"`
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		return fmt.Errorf("this is no JSON of STIX: %w", err)
	}
	for n, raw := range bundle.Objects {
		at := fmt.Sprintf("objects[%d]", n)
		var o stixObject
		if err := json.Unmarshal(raw, &o); err != nil {
			l.report.problem(at, err)
			continue
		}
		if err := l.stixObject(at, o); err != nil {
			return err
		}
	}
	return nil
}

func (l *list) stixObject(at string, o stixObject) error {
	i := Indicator{About: o.Name, Intention: stixIntention(append(o.Types, o.Labels...)), Category: stixCategory(append(o.Types, o.Labels...))}
	if o.Description != "" {
		i.About = strings.TrimPrefix(i.About+"; "+o.Description, "; ")
	}
	switch {
	case o.Type != "indicator":
		l.report.Skip("objects of type " + short(o.Type))
		return nil
	case o.Revoked:
		l.report.Skip("revoked")
		return nil
	case !o.ValidUntil.IsZero() && o.ValidUntil.Before(l.defaults.Now):
		l.report.Skip("expired")
		return nil
	case o.PatternType != "" && o.PatternType != "stix":
		l.report.Skip("patterns of type " + short(o.PatternType))
		return nil
	}
	found, err := patternValues(o.Pattern)
	if errors.Is(err, errSeveral) {
		l.report.Skip("patterns that want several things")
		return nil
	}
	if err != nil {
		l.report.problem(at, err)
		return nil
	}
	for _, f := range found {
		i.Type, i.Value = f.t, f.value
		if f.t == "" {
			l.report.Skip("patterns about " + short(f.path))
			continue
		}
		if err := l.add(at, i); err != nil {
			return err
		}
	}
	return nil
}

func stixIntention(words []string) string {
	switch {
	case slices.Contains(words, "benign"):
		return "benign"
	case slices.Contains(words, "anomalous-activity"):
		return "suspicious"
	case slices.Contains(words, "malicious-activity"), slices.Contains(words, "compromised"), slices.Contains(words, "attribution"):
		return "malicious"
	}
	return ""
}

func stixCategory(words []string) string {
	for _, w := range words {
		switch w {
		case "anonymization":
			return "tor"
		case "compromised", "malicious-activity":
			return "attack"
		case "malware", "tor", "scanner", "cryptomining":
			return w
		}
	}
	return ""
}

// found is a value that a pattern wants.
type found struct {
	path, value string
	t           Type
}

var (
	errSeveral = errors.New("the pattern wants several things at once")
	errPattern = errors.New("want comparisons like [ipv4-addr:value = '192.0.2.1' OR domain-name:value = 'a.example']")
)

// patternValues are the values any one of which makes a pattern of STIX true: those of
// comparisons that are joined with OR. One that wants more than one is errSeveral.
func patternValues(pattern string) ([]found, error) {
	p := &patternReader{rest: pattern}
	var out []found
	for {
		if err := p.comparison(&out); err != nil {
			return nil, err
		}
		switch word := p.next(); word {
		case "":
			return out, nil
		case "OR":
		case "AND", "FOLLOWEDBY", "WITHIN", "REPEATS", "START", "STOP", "NOT":
			return nil, errSeveral
		default:
			return nil, fmt.Errorf("%q in a pattern: %w", short(word), errPattern)
		}
	}
}

// patternReader reads words of a pattern; brackets and parentheses part words, and mean
// nothing where all is joined with OR.
type patternReader struct{ rest string }

func (p *patternReader) next() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n[]()")
	if p.rest == "" {
		return ""
	}
	switch c := p.rest[0]; {
	case c == '\'':
		return p.quoted()
	case strings.IndexByte("=!<>", c) >= 0:
		end := 1
		if len(p.rest) > 1 && p.rest[1] == '=' {
			end = 2
		}
		return p.take(end)
	case c == ',':
		return p.take(1)
	}
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '\'': // a step of a path
			end := strings.IndexByte(p.rest[i+1:], '\'')
			if end < 0 {
				return p.take(len(p.rest))
			}
			i += end + 1
		case strings.IndexByte(" \t\r\n[](),=!<>", c) >= 0:
			return p.take(i)
		}
	}
	return p.take(len(p.rest))
}

func (p *patternReader) take(n int) string {
	word := p.rest[:n]
	p.rest = p.rest[n:]
	return word
}

// quoted is a text with its quote before it, so that it is no word.
func (p *patternReader) quoted() string {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		case c == '\'':
			p.rest = p.rest[i+1:]
			return "'" + b.String()
		default:
			b.WriteByte(c)
		}
	}
	p.rest = ""
	return "'" + b.String()
}

func (p *patternReader) comparison(out *[]found) error {
	path := p.next()
	if path == "" || path[0] == '\'' || !strings.Contains(path, ":") {
		return fmt.Errorf("%q is no path of an object: %w", short(path), errPattern)
	}
	f := found{path: path, t: stixType(path)}
	switch op := p.next(); op {
	case "=", "ISSUBSET":
		return p.value(f, out)
	case "IN":
		for {
			if err := p.value(f, out); err != nil {
				return err
			}
			rest := strings.TrimLeft(p.rest, " \t\r\n")
			if !strings.HasPrefix(rest, ",") {
				return nil
			}
			p.next()
		}
	case "NOT", "!=", "<", ">", "<=", ">=", "LIKE", "MATCHES", "ISSUPERSET":
		f.t = "" // such a comparison names no value
		return p.value(f, out)
	default:
		return fmt.Errorf("%q is no comparison: %w", short(op), errPattern)
	}
}

func (p *patternReader) value(f found, out *[]found) error {
	v := p.next()
	if v == "" || v[0] != '\'' {
		if f.t != "" {
			return fmt.Errorf("%q is no text in quotes: %w", short(v), errPattern)
		}
		v = "'"
	}
	f.value = v[1:]
	*out = append(*out, f)
	return nil
}

func stixType(path string) Type {
	object, property, _ := strings.Cut(path, ":")
	switch {
	case (object == "ipv4-addr" || object == "ipv6-addr") && property == "value":
		return IP
	case object == "domain-name" && property == "value":
		return Domain
	case object == "url" && property == "value":
		return URL
	case object == "network-traffic" && (strings.HasSuffix(property, "_ref.value")):
		return ""
	case strings.Contains(property, "hashes"):
		for _, name := range []string{"MD5", "SHA-1", "SHA1", "SHA-256", "SHA256"} {
			if strings.Contains(strings.ToUpper(property), name) {
				return Hash
			}
		}
	}
	return ""
}

// PageOf says where a page of a TAXII collection ends.
func PageOf(text []byte) (Page, error) {
	var p Page
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("this is no page of a TAXII collection: %w", err)
	}
	return p, nil
}
