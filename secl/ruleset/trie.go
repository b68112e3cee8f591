package ruleset

import "strings"

// trie finds the rules of every text that another one begins with, or ends with
// where it goes backwards. It stops at the first byte that no text has there.
type trie struct {
	backwards bool
	root      node
}

// node is reached by the label of the edge to it.
type node struct {
	label    string
	rules    []uint64
	first    []byte // of the labels of the children
	children []*node
}

func (t *trie) add(text string, rules []uint64) {
	if t.backwards {
		text = reverse(text)
	}
	n := &t.root
	for text != "" {
		child := n.child(text[0])
		if child == nil {
			child = &node{label: text}
			n.first, n.children = append(n.first, text[0]), append(n.children, child)
		}
		common := commonPrefix(child.label, text)
		if common < len(child.label) {
			child.split(common)
		}
		n, text = child, text[common:]
	}
	n.rules = union(n.rules, rules)
}

// split makes two nodes of one, the second of which has what is behind at.
func (n *node) split(at int) {
	rest := *n
	rest.label = n.label[at:]
	*n = node{label: n.label[:at], first: []byte{rest.label[0]}, children: []*node{&rest}}
}

func (n *node) child(c byte) *node {
	if i := strings.IndexByte(string(n.first), c); i >= 0 {
		return n.children[i]
	}
	return nil
}

// find adds the rules of all texts that s begins with, or ends with.
func (t *trie) find(s string, to []uint64) {
	n := &t.root
	for len(s) > 0 && len(n.first) > 0 {
		c := s[0]
		if t.backwards {
			c = s[len(s)-1]
		}
		var next *node
		for i, first := range n.first {
			if first == c {
				next = n.children[i]
				break
			}
		}
		if next == nil {
			return
		}
		if t.backwards {
			if !endsWith(s, next.label) {
				return
			}
			s = s[:len(s)-len(next.label)]
		} else {
			if !strings.HasPrefix(s, next.label) {
				return
			}
			s = s[len(next.label):]
		}
		if n = next; n.rules != nil {
			or(to, n.rules)
		}
	}
}

// endsWith tells whether s ends with the label read backwards.
func endsWith(s, label string) bool {
	if len(s) < len(label) {
		return false
	}
	for i := range len(label) {
		if s[len(s)-1-i] != label[i] {
			return false
		}
	}
	return true
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
