package search

// automaton finds which of many texts stand in another, in one pass over it: that of
// Aho and Corasick (Efficient string matching, CACM 18, 1975), whose failing steps
// are taken as they come. Its edges are in a hash table, so that it takes about 40
// bytes a byte of the texts, however many there are.
type automaton struct {
	root  [256]uint32 // the edges of state 0
	edges []edge      // of the others, by hash; a power of two long, next 0 is none
	used  int
	// Of each state: the longest other one that it ends with, the first of those it
	// ends with that ends a text (itself, if it does), and the text that ends there.
	fail, first []uint32
	ends        []int32
}

type edge struct {
	from, next uint32
	by         byte
}

// newAutomaton makes the automaton of distinct texts, none of them empty.
func newAutomaton(texts []string) *automaton {
	a := &automaton{edges: make([]edge, 64), fail: []uint32{0}, first: []uint32{0}, ends: []int32{-1}}
	var parents []uint32
	var bytes []byte
	depths := [][]uint32{} // the states of each depth from 1 on
	parents, bytes = append(parents, 0), append(bytes, 0)
	for n, text := range texts {
		state := uint32(0)
		for i := range len(text) {
			next := a.edge(state, text[i])
			if next == 0 {
				next = uint32(len(a.fail))
				a.fail, a.first, a.ends = append(a.fail, 0), append(a.first, 0), append(a.ends, -1)
				parents, bytes = append(parents, state), append(bytes, text[i])
				a.connect(state, text[i], next)
				if i == len(depths) {
					depths = append(depths, nil)
				}
				depths[i] = append(depths[i], next)
			}
			state = next
		}
		a.ends[state] = int32(n)
	}
	for depth, states := range depths {
		for _, s := range states {
			if depth > 0 {
				a.fail[s] = a.step(a.fail[parents[s]], bytes[s])
			}
			if a.first[s] = a.first[a.fail[s]]; a.ends[s] >= 0 {
				a.first[s] = s
			}
		}
	}
	return a
}

// edge is where a byte leads from a state; 0: nowhere.
func (a *automaton) edge(from uint32, by byte) uint32 {
	if from == 0 {
		return a.root[by]
	}
	mask := uint32(len(a.edges) - 1)
	for i := hashEdge(from, by) & mask; ; i = (i + 1) & mask {
		if e := &a.edges[i]; e.next == 0 || e.from == from && e.by == by {
			return e.next
		}
	}
}

func hashEdge(from uint32, by byte) uint32 {
	h := (from ^ uint32(by)<<24) * 0x9e3779b1
	return h ^ h>>15
}

func (a *automaton) connect(from uint32, by byte, next uint32) {
	if from == 0 {
		a.root[by] = next
		return
	}
	if a.used++; 2*a.used > len(a.edges) {
		old := a.edges
		a.edges = make([]edge, 2*len(old))
		for _, e := range old {
			if e.next != 0 {
				a.put(e)
			}
		}
	}
	a.put(edge{from: from, next: next, by: by})
}

func (a *automaton) put(e edge) {
	mask := uint32(len(a.edges) - 1)
	i := hashEdge(e.from, e.by) & mask
	for a.edges[i].next != 0 {
		i = (i + 1) & mask
	}
	a.edges[i] = e
}

// step is the state after a byte.
func (a *automaton) step(state uint32, by byte) uint32 {
	for {
		if next := a.edge(state, by); next != 0 || state == 0 {
			return next
		}
		state = a.fail[state]
	}
}

// find calls found with every text that stands in s, and where it ends there, until
// that returns false.
func (a *automaton) find(s string, found func(text int32, end int) bool) {
	state := uint32(0)
	for i := range len(s) {
		if state = a.step(state, s[i]); state == 0 {
			continue
		}
		for out := a.first[state]; out != 0; out = a.first[a.fail[out]] {
			if !found(a.ends[out], i+1) {
				return
			}
		}
	}
}
