package reference

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
)

// uncommented reads a file without its comments: a line that begins with # or ; is
// an empty one, so that all others keep their numbers. A line within a quoted cell
// is none.
type uncommented struct {
	in     *bufio.Reader
	rest   []byte // of the line that is being read
	quoted bool   // the line begins within quotes
	middle bool   // rest goes on with a line
	drop   bool   // that line is a comment
}

// Read implements io.Reader.
func (u *uncommented) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		if err := u.line(); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

func (u *uncommented) line() error {
	line, err := u.in.ReadSlice('\n')
	whole := !errors.Is(err, bufio.ErrBufferFull)
	if len(line) == 0 && err != nil {
		return err
	}
	if !u.middle {
		text := bytes.TrimLeft(line, " \t")
		u.drop = !u.quoted && len(text) > 0 && (text[0] == '#' || text[0] == ';')
	}
	u.middle = !whole
	switch {
	case u.drop && bytes.HasSuffix(line, []byte("\n")):
		u.rest = []byte("\n")
	case u.drop:
		u.rest = nil
	default:
		u.quoted = u.quoted != (bytes.Count(line, []byte(`"`))%2 == 1)
		u.rest = line
	}
	return nil
}

// delimiter is what is between the cells: commas, or else tabs or semicolons, where
// the first line has no commas. A semicolon behind a blank begins a remark.
func delimiter(in *bufio.Reader) rune {
	head, _ := in.Peek(in.Size())
	head = bytes.TrimLeft(head, "\r\n")
	if end := bytes.IndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	if bytes.IndexByte(head, ',') >= 0 || bytes.IndexByte(head, '"') >= 0 {
		return ','
	}
	if tab := bytes.IndexByte(bytes.TrimSpace(head), '\t'); tab >= 0 && !bytes.ContainsAny(head, "#;") {
		return '\t'
	}
	if at := bytes.IndexByte(head, ';'); at > 0 && head[at-1] != ' ' && head[at-1] != '\t' {
		return ';'
	}
	return ','
}

// withoutRemark cuts off what is behind the value of a list: a remark that begins
// with # or ; behind a blank.
func withoutRemark(cell string) string {
	for i := 1; i < len(cell); i++ {
		if (cell[i] == '#' || cell[i] == ';') && (cell[i-1] == ' ' || cell[i-1] == '\t') {
			return cell[:i]
		}
	}
	return cell
}

// isRow reports whether the first line of a file is a row and names no columns: it
// has a value that no name looks like, or one that looks like the value below it.
func isRow(first, second []string) bool {
	for i, cell := range first {
		cell = withoutRemark(cell)
		switch shape := shapeOf(cell); shape {
		case "":
		case "domain": // as a name of a column may look, too
			if len(second) == 0 && len(first) == 1 || i < len(second) && shapeOf(withoutRemark(second[i])) == shape {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// shapeOf is what a value is by its looks; empty where it could be a name.
func shapeOf(cell string) string {
	cell = strings.TrimSpace(cell)
	if _, ok := ParseNetwork(cell); ok {
		return "address"
	}
	switch {
	case strings.Contains(cell, "://"):
		return "URL"
	case strings.Count(cell, "@") == 1 && isDomain(cell[strings.IndexByte(cell, '@')+1:]):
		return "mail address"
	case len(cell) >= 32 && strings.Trim(cell, "0123456789abcdefABCDEF") == "":
		return "hash"
	case isDomain(strings.TrimPrefix(cell, "*.")):
		return "domain"
	}
	return ""
}

// maxDomain is how long a domain is at most, in bytes.
const maxDomain = 254

// isDomain reports whether a text is written as a domain with at least two labels:
// letters, digits, hyphens and underscores between dots, and at the end a label
// that an address does not have. A dot may follow.
func isDomain(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if len(s) > maxDomain || len(s) < 4 {
		return false
	}
	last := strings.LastIndexByte(s, '.')
	if last <= 0 || !isTopLabel(s[last+1:]) {
		return false
	}
	label := 0
	for i := range last + 1 {
		switch c := s[i]; {
		case c == '.':
			if label == 0 || label > 63 || s[i-1] == '-' {
				return false
			}
			label = 0
		case c == '-' && label == 0 || !isLabelByte(c):
			return false
		default:
			label++
		}
	}
	return true
}

func isLabelByte(c byte) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isTopLabel(s string) bool {
	if len(s) > 4 && strings.EqualFold(s[:4], "xn--") {
		return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !isLabelByte(byte(r)) }) < 0
	}
	return len(s) >= 2 && len(s) <= 63 && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// domainKey is a domain in the form in which domains are compared, in small letters
// and without the dot of the root; any other text is itself.
func domainKey(s string) string {
	if !hasCapital(s) && (s == "" || s[len(s)-1] != '.') || !isDomain(s) {
		return s
	}
	return strings.ToLower(strings.TrimSuffix(s, "."))
}

func hasCapital(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}

// isDomainPattern reports whether a pattern is one of domains: a domain of which
// stars and question marks stand for some of the labels or their bytes.
func isDomainPattern(s string) bool {
	if !strings.ContainsAny(s, "*?") {
		return isDomain(s)
	}
	dots, letters := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dots++
		case c == '*' || c == '?':
		case !isLabelByte(c):
			return false
		default:
			letters++
		}
	}
	return dots > 0 && letters > 0
}
