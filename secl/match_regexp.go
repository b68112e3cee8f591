package secl

import (
	"regexp"
	"strings"
)

// TextRegexp is the RE2 expression that finds exactly the texts that a literal
// stands for: what NewTextMatcher does, for those who can't call it. A pattern of
// a path never stands for the empty text, whatever the expression finds. A dot in
// it has a flag that says whether it stands for a newline.
func TextRegexp(v Value, path, fold bool) string {
	flags := "(?s)"
	if fold {
		flags = "(?is)"
	}
	switch {
	case v.Form == Regexp:
		return "(?-s)" + v.Text
	case v.Form == Scalar || !strings.Contains(v.Text, "*"):
		return flags + `\A` + regexp.QuoteMeta(v.Text) + `\z`
	case !path:
		return flags + `\A` + starred(v.Text, `.*`) + `\z`
	}
	body := globRegexp(strings.TrimPrefix(v.Text, "/"))
	switch {
	case strings.HasPrefix(v.Text, "/"):
		return flags + `\A/` + body + `\z`
	case strings.HasPrefix(v.Text, "*"):
		// With a slash before it or without; it does not begin with one itself.
		return flags + `\A(?:/` + body + `|` + withoutSlash(v.Text) + `)\z`
	}
	return flags + `\A` + body + `\z`
}

// starred quotes a text in which stars stand for something.
func starred(text, star string) string {
	parts := strings.Split(text, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return strings.Join(parts, star)
}

// globRegexp is a glob without its first slash.
func globRegexp(glob string) string {
	var b strings.Builder
	segments := strings.Split(glob, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case s == "**" && last:
			b.WriteString(`.*`)
		case s == "**":
			b.WriteString(`(?:.*/)?`)
		default:
			b.WriteString(starred(s, `[^/]*`))
			if !last {
				b.WriteByte('/')
			}
		}
	}
	return b.String()
}

// withoutSlash is a glob that begins with a star, for paths that begin with no
// slash.
func withoutSlash(glob string) string {
	first, rest, more := strings.Cut(glob, "/")
	switch {
	case first == "**" && !more:
		return `[^/].*`
	case first == "**":
		return `(?:[^/].*/)?` + globRegexp(rest)
	}
	// The first segment is not empty, or the path would begin with a slash.
	out := starred(strings.TrimLeft(first, "*"), `[^/]*`)
	if out == "" {
		out = `[^/]+`
	} else {
		out = `[^/]*` + out
	}
	if more {
		out += "/" + globRegexp(rest)
	}
	return out
}
