package grok

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is looked into for a hint.
const (
	nearestRules = 50
	nearestText  = 16 << 10
	nearestTold  = 24 // characters of what is told
)

// Nearest says of rules that don't match a text which one comes furthest, what it wants
// there, and what there is; or "". It reads the rules anew: it is for people who look at
// one event.
func Nearest(match, support, text string) string {
	text = serialised(text)
	if len(text) > nearestText {
		return ""
	}
	c := &compiler{byName: map[string]*ruleText{}}
	c.read("support", support)
	c.read("match", match)
	var best string
	furthest, tried := 0, 0
	for _, r := range c.rules {
		if r.order < 0 || tried == nearestRules {
			continue
		}
		tried++
		if n := c.tree(r); n != nil {
			if end, wanted := reach(n, text); end > furthest {
				furthest = end
				best = fmt.Sprintf("rule %s matches up to %s and wants %s, not %s", r.rule, lastOf(text[:end]), wanted, firstOf(text[end:]))
			}
		}
	}
	return best
}

// reach is how far the beginning of a pattern matches, and what it wants then.
func reach(n *node, text string) (end int, wanted string) {
	parts := partsOf(n, nil)
	ends := make([]int, len(parts)+1)
	// A pattern that does not match does not match with more behind it.
	first := sort.Search(len(parts), func(i int) bool {
		re, err := regexp.Compile(`\A(?:` + re2(&node{op: opCat, subs: parts[:i+1]}, nil) + `)`)
		if err != nil {
			return true
		}
		found := re.FindStringIndex(text)
		if found != nil {
			ends[i+1] = found[1]
		}
		return found == nil
	})
	end = ends[first]
	for first > 0 && first < len(parts) && parts[first].op == opText && isLetters(parts[first-1]) { // whole words are told
		first--
		end -= len(parts[first].text)
	}
	return end, wantedBy(parts[first:])
}

func isLetters(n *node) bool {
	r, _ := utf8.DecodeRuneInString(n.text)
	return n.op == opText && unicode.IsLetter(r)
}

// partsOf are the parts that follow each other in n; texts by their characters.
func partsOf(n *node, out []*node) []*node {
	switch n.op {
	case opCat:
		for _, s := range n.subs {
			out = partsOf(s, out)
		}
	case opText:
		for _, r := range n.text {
			out = append(out, text(string(r)))
		}
	default:
		out = append(out, n)
	}
	return out
}

// wantedBy describes what the first of the parts match.
func wantedBy(parts []*node) string {
	if len(parts) == 0 {
		return "the end"
	}
	var b strings.Builder
	for _, p := range parts {
		if p.op != opText {
			break
		}
		b.WriteString(p.text)
	}
	if b.Len() > 0 {
		return firstOf(b.String())
	}
	if c := parts[0].capture; parts[0].op == opCapture && c != nil && c.path != nil && c.constant == nil {
		return "what is " + strings.Join(c.path, ".")
	}
	return "something else"
}

func firstOf(s string) string {
	if s == "" {
		return "the end"
	}
	if utf8.RuneCountInString(s) > nearestTold {
		s = string([]rune(s)[:nearestTold]) + "…"
	}
	return "`" + s + "`"
}

func lastOf(s string) string {
	if r := []rune(s); len(r) > nearestTold {
		s = "…" + string(r[len(r)-nearestTold:])
	}
	return "`" + s + "`"
}
