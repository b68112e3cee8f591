package ruleset

import (
	"cmp"
	"slices"

	"nightjar/secl"
)

// fieldIndex finds rules by the value of one field.
type fieldIndex struct {
	texts    []func(*secl.Context) string // the readings of a text
	members  func(*secl.Context) []string
	each     func(*secl.Context, int) string // of what the iterator visits
	eachOf   func(*secl.Context, int) []string
	length   func(*secl.Context) int
	number   func(*secl.Context) int64
	truth    func(*secl.Context) bool
	table    *secl.TextTable
	byText   [][]uint64 // rules by the index of the text in the table
	prefixes *trie
	suffixes *trie
	notEmpty []uint64
	numbers  []int64
	byNumber [][]uint64
	masks    []int64
	byMask   [][]uint64
	isTrue   []uint64
}

// buildIndex finds for each rule what an event must have to match it.
func (b *Bucket) buildIndex() {
	words := (len(b.Rules) + 63) / 64
	b.always, b.candidates = make([]uint64, words), make([]uint64, words)
	atoms := map[*secl.Field]map[atom][]uint64{}
	for i, r := range b.Rules {
		g := guard(r.Expr, asserted)
		if g == nil {
			b.always[i/64] |= 1 << (i % 64)
			continue
		}
		for _, a := range g {
			if atoms[a.field] == nil {
				atoms[a.field] = map[atom][]uint64{}
			}
			if atoms[a.field][a] == nil {
				atoms[a.field][a] = make([]uint64, words)
			}
			atoms[a.field][a][i/64] |= 1 << (i % 64)
		}
	}
	fields := make([]*secl.Field, 0, len(atoms))
	for f := range atoms {
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(a, b *secl.Field) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range fields {
		b.index = append(b.index, newFieldIndex(f, atoms[f]))
	}
}

func newFieldIndex(f *secl.Field, atoms map[atom][]uint64) fieldIndex {
	ix := fieldIndex{}
	switch read := f.Read.(type) {
	case func(*secl.Context) string:
		ix.texts = append([]func(*secl.Context) string{read}, f.Also...)
	case func(*secl.Context) []string:
		ix.members = read
	case func(*secl.Context, int) string:
		ix.each, ix.length = read, f.Iterator.Len
	case func(*secl.Context, int) []string:
		ix.eachOf, ix.length = read, f.Iterator.Len
	case func(*secl.Context) int64:
		ix.number = read
	case func(*secl.Context) bool:
		ix.truth = read
	}
	ordered := make([]atom, 0, len(atoms))
	for a := range atoms {
		ordered = append(ordered, a)
	}
	slices.SortFunc(ordered, func(a, b atom) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.text, b.text), cmp.Compare(a.int, b.int))
	})
	var texts []string
	for _, a := range ordered {
		switch rules := atoms[a]; a.kind {
		case exactText, memberText, emptyText:
			texts = append(texts, a.text)
		case maskInt:
			ix.masks, ix.byMask = append(ix.masks, a.int), append(ix.byMask, rules)
		case exactInt, zeroInt:
			ix.numbers, ix.byNumber = append(ix.numbers, a.int), append(ix.byNumber, rules)
		case isTrue:
			ix.isTrue = rules
		case prefixText, memberPrefix:
			if ix.prefixes == nil {
				ix.prefixes = &trie{}
			}
			ix.prefixes.add(a.text, rules)
		case suffixText, memberSuffix:
			if ix.suffixes == nil {
				ix.suffixes = &trie{backwards: true}
			}
			ix.suffixes.add(a.text, rules)
		case notEmpty, ownNotEmpty:
			ix.notEmpty = rules
		}
	}
	ix.table = secl.NewTextTable(texts, f.Fold)
	ix.byText = make([][]uint64, len(ix.table.Texts()))
	for _, a := range ordered {
		if a.kind == exactText || a.kind == memberText || a.kind == emptyText {
			i := ix.table.Find(a.text)
			ix.byText[i] = union(ix.byText[i], atoms[a])
		}
	}
	return ix
}

func union(a, b []uint64) []uint64 {
	if a == nil {
		a = make([]uint64, len(b))
	}
	or(a, b)
	return a
}

func or(to, rules []uint64) {
	for i, word := range rules {
		to[i] |= word
	}
}

// narrow leaves in candidates the rules that the event of the context may match.
func (b *Bucket) narrow(c *secl.Context) {
	copy(b.candidates, b.always)
	for i := range b.index {
		b.index[i].find(c, b.candidates)
	}
}

// find adds the rules that ask for the field's value.
func (ix *fieldIndex) find(c *secl.Context, to []uint64) {
	switch {
	case ix.texts != nil:
		ix.findText(ix.texts[0](c), to)
		for _, also := range ix.texts[1:] {
			if s := also(c); s != "" {
				ix.findText(s, to)
			}
		}
	case ix.members != nil:
		for _, s := range ix.members(c) {
			ix.findText(s, to)
		}
	case ix.each != nil:
		for i := range min(ix.length(c), secl.MaxIterations) {
			ix.findText(ix.each(c, i), to)
		}
	case ix.eachOf != nil:
		for i := range min(ix.length(c), secl.MaxIterations) {
			for _, s := range ix.eachOf(c, i) {
				ix.findText(s, to)
			}
		}
	case ix.number != nil:
		ix.findNumber(ix.number(c), to)
	case ix.truth(c):
		or(to, ix.isTrue)
	}
}

func (ix *fieldIndex) findNumber(v int64, to []uint64) {
	for i, n := range ix.numbers {
		if n == v {
			or(to, ix.byNumber[i])
		}
	}
	for i, mask := range ix.masks {
		if v&mask != 0 {
			or(to, ix.byMask[i])
		}
	}
}

func (ix *fieldIndex) findText(s string, to []uint64) {
	if i := ix.table.Find(s); i >= 0 {
		or(to, ix.byText[i])
	}
	if s == "" {
		return
	}
	if ix.notEmpty != nil {
		or(to, ix.notEmpty)
	}
	if ix.prefixes != nil {
		ix.prefixes.find(s, to)
	}
	if ix.suffixes != nil {
		ix.suffixes.find(s, to)
	}
}
