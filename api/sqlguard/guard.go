package sqlguard

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"nightjar/api"
)

// Check lets one read-only statement through and says what it refuses, with
// the position as line:column. It is the second lock: the first is the database's
// own user, who can read the events and signals and nothing else. What this one
// adds is errors that a person can read. The third is clickhouse.CheckAdHoc, which
// lists what a query may be made of.
func Check(query string) (string, error) {
	tokens, err := lexSQL(query)
	if err != nil {
		return "", err
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].text == ";" {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return "", api.BadRequest("query", "empty; want one SELECT, WITH, EXPLAIN, SHOW or DESCRIBE")
	}
	end := tokens[len(tokens)-1].end
	g := sqlGuard{query, tokens}
	if err := g.first(); err != nil {
		return "", err
	}
	for i := range tokens {
		if err := g.token(i); err != nil {
			return "", err
		}
	}
	return query[:end], nil
}

type sqlGuard struct {
	query  string
	tokens []sqlToken
}

// readers begin the statements that only read.
var readers = words("SELECT WITH EXPLAIN SHOW DESCRIBE DESC")

func (g sqlGuard) first() error {
	for _, t := range g.tokens {
		if t.text == "(" {
			continue
		}
		if t.kind != sqlWord || !readers[strings.ToUpper(t.text)] {
			return g.refuse(t, "%s is refused; want one SELECT, WITH, EXPLAIN, SHOW or DESCRIBE", api.Shorten(t.text))
		}
		return nil
	}
	return api.BadRequest("query", "empty; want one SELECT, WITH, EXPLAIN, SHOW or DESCRIBE")
}

func (g sqlGuard) token(i int) error {
	t := g.tokens[i]
	if t.text == ";" && t.kind == sqlSign {
		return g.refuse(t, "a second statement is refused; send one at a time")
	}
	if g.isWriter(i) {
		return g.refuse(t, "%s is refused in ad hoc queries", strings.ToUpper(t.text))
	}
	return nil
}

// isWriter tells a clause that does more than read from a column of that name.
func (g sqlGuard) isWriter(i int) bool {
	switch g.word(i) {
	case "INSERT":
		return g.word(i+1) == "INTO"
	case "INTO":
		return g.word(i+1) == "OUTFILE"
	case "SETTINGS":
		return g.sign(i-1) != "." && g.word(i+1) != "" && g.sign(i+2) == "="
	case "FORMAT":
		last := i+2 >= len(g.tokens) || g.sign(i+2) == ")" || g.word(i+2) == "SETTINGS"
		return g.sign(i-1) != "." && g.word(i-1) != "AS" && g.word(i+1) != "" && last
	}
	return false
}

// word is the bare word at i in capitals, empty when there is none.
func (g sqlGuard) word(i int) string {
	if i < 0 || i >= len(g.tokens) || g.tokens[i].kind != sqlWord {
		return ""
	}
	return strings.ToUpper(g.tokens[i].text)
}

func (g sqlGuard) sign(i int) string {
	if i < 0 || i >= len(g.tokens) || g.tokens[i].kind != sqlSign {
		return ""
	}
	return g.tokens[i].text
}

func (g sqlGuard) refuse(t sqlToken, format string, args ...any) error {
	return sqlError(g.query, t.start, format, args...)
}

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

type sqlKind uint8

const (
	sqlWord   sqlKind = iota // a bare word or number
	sqlQuoted                // a quoted identifier; its text without quotes
	sqlText                  // a string
	sqlSign                  // one character of anything else
)

type sqlToken struct {
	kind       sqlKind
	text       string
	start, end int
}

// lexSQL splits a query as ClickHouse does, as far as it matters for telling
// code from strings and comments.
func lexSQL(query string) ([]sqlToken, error) {
	var tokens []sqlToken
	for i := 0; i < len(query); {
		rest := query[i:]
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == 0:
			return nil, sqlError(query, i, "a zero byte is refused")
		case unicode.IsSpace(r):
			i += size
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			i += lineLength(rest)
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return nil, sqlError(query, i, "this comment has no end")
			}
			i += n + 4
		case r == '\'' || r == '"' || r == '`':
			text, n := quoted(rest)
			if n < 0 {
				return nil, sqlError(query, i, "this %c has no end", r)
			}
			kind := sqlQuoted
			if r == '\'' {
				kind = sqlText
			}
			tokens = append(tokens, sqlToken{kind, text, i, i + n})
			i += n
		case r == '$' && heredoc(rest) > 0:
			n := heredoc(rest)
			tokens = append(tokens, sqlToken{sqlText, rest[:n], i, i + n})
			i += n
		case isWordRune(r):
			n := strings.IndexFunc(rest, func(r rune) bool { return !isWordRune(r) })
			if n < 0 {
				n = len(rest)
			}
			tokens = append(tokens, sqlToken{sqlWord, rest[:n], i, i + n})
			i += n
		default:
			tokens = append(tokens, sqlToken{sqlSign, rest[:size], i, i + size})
			i += size
		}
	}
	return tokens, nil
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func lineLength(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

// quoted reads a string or quoted identifier, whose quote may be doubled or
// escaped inside; n is −1 when it has no end.
func quoted(s string) (text string, n int) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
			b.WriteByte(quote)
		case s[i] == quote:
			return b.String(), i + 1
		default:
			b.WriteByte(s[i])
		}
	}
	return "", -1
}

// heredoc is the length of `$tag$ … $tag$`, 0 when s is none.
func heredoc(s string) int {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 || strings.ContainsFunc(s[1:end+1], func(r rune) bool { return !isWordRune(r) }) {
		return 0
	}
	tag := s[:end+2]
	n := strings.Index(s[len(tag):], tag)
	if n < 0 {
		return 0
	}
	return n + 2*len(tag)
}

func sqlError(query string, at int, format string, args ...any) error {
	line := strings.Count(query[:at], "\n") + 1
	column := utf8.RuneCountInString(query[strings.LastIndexByte(query[:at], '\n')+1:at]) + 1
	return &api.Error{
		Message: fmt.Sprintf("%d:%d: ", line, column) + fmt.Sprintf(format, args...),
		Target:  "query",
	}
}
