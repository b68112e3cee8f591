package secl

// TextTable finds texts of a fixed set and says which one of them a text is. Its
// cost does not depend on how many there are: one hash of the ends of the text,
// and most often one comparison. What events contain is never stored in it, so
// nobody can make it slow from outside.
type TextTable struct {
	texts []string
	slots []int32 // 1 + index of a text; 0: free
	fold  bool
	// Most texts that are looked for are not there, and most of these can be told
	// by their length and first byte.
	lengths uint64
	firsts  [256]bool
}

// NewTextTable makes a table of texts without duplicates.
func NewTextTable(texts []string, fold bool) *TextTable {
	size := 4
	for size < 3*len(texts) {
		size *= 2
	}
	t := &TextTable{slots: make([]int32, size), fold: fold}
	for _, s := range texts {
		if t.Find(s) >= 0 {
			continue
		}
		t.texts = append(t.texts, s)
		t.note(s)
		i := t.hash(s)
		for t.slots[i] != 0 {
			i = (i + 1) & (len(t.slots) - 1)
		}
		t.slots[i] = int32(len(t.texts))
	}
	return t
}

// Texts are the texts of the table; a text's index is what Find returns.
func (t *TextTable) Texts() []string { return t.texts }

// note remembers the length and the first byte of a text.
func (t *TextTable) note(s string) {
	t.lengths |= 1 << min(len(s), 63)
	if s == "" {
		return
	}
	t.firsts[s[0]] = true
	if letter := s[0] | 0x20; t.fold && letter >= 'a' && letter <= 'z' {
		t.firsts[letter], t.firsts[letter&^0x20] = true, true
	}
}

// Find is the index of a text, or -1.
func (t *TextTable) Find(s string) int {
	if t.lengths&(1<<min(len(s), 63)) == 0 || s != "" && !t.firsts[s[0]] {
		return -1
	}
	for i := t.hash(s); ; i = (i + 1) & (len(t.slots) - 1) {
		n := t.slots[i]
		if n == 0 {
			return -1
		}
		if have := t.texts[n-1]; have == s || t.fold && equalFold(have, s) {
			return int(n - 1)
		}
	}
}

// hash mixes the length and the last and first eight bytes: paths differ at
// their ends.
func (t *TextTable) hash(s string) int {
	n := len(s)
	h := uint64(n) * 0x9e3779b97f4a7c15
	if n >= 8 {
		h ^= load8(s[n-8:], t.fold)
		h *= 0xff51afd7ed558ccd
		h ^= h >> 32
		h ^= load8(s, t.fold)
	} else {
		for i := range n {
			c := s[i]
			if t.fold {
				c = lowerByte(c)
			}
			h = (h ^ uint64(c)) * 0x100000001b3
		}
	}
	h *= 0xc4ceb9fe1a85ec53
	return int(h>>33) & (len(t.slots) - 1)
}

func load8(s string, fold bool) uint64 {
	_ = s[7]
	v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	if fold {
		v |= 0x2020202020202020 // maps more than letters together, which only costs a comparison
	}
	return v
}
