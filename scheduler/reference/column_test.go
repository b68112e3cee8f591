package reference

import (
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// naive is a column as its description has it: rows that come and go, compared
// one after another.
type naive struct {
	kind Kind
	rows []naiveRow
}

type naiveRow struct {
	value    string
	from, to Version // to 0: still there
}

func (n *naive) has(value string, v Version) bool {
	return slices.ContainsFunc(n.rows, func(r naiveRow) bool {
		return r.from <= v && (r.to == 0 || v < r.to) && naiveIn(n.kind, r.value, value)
	})
}

func naiveIn(kind Kind, cell, value string) bool {
	switch kind {
	case Exact:
		return cell == value
	case Prefix:
		return strings.HasPrefix(value, cell)
	case Wildcard:
		if naiveFits([]rune(cell), []rune(value)) {
			return true
		}
		value = strings.ToLower(value)
		if isDomain(value) {
			value = strings.TrimSuffix(value, ".")
		}
		return isDomainPattern(cell) && naiveFits([]rune(strings.ToLower(cell)), []rune(value))
	case CIDR:
		return naiveContains(cell, value)
	}
	_, isAddress := netip.ParseAddr(value)
	if _, isNetwork := ParseNetwork(cell); isNetwork || isAddress == nil {
		return naiveContains(cell, value)
	}
	root := func(s string) string { return strings.TrimSuffix(s, ".") }
	return cell == value || isDomain(cell) && isDomain(value) && strings.EqualFold(root(cell), root(value))
}

// naiveContains compares address and network bit by bit.
func naiveContains(cell, value string) bool {
	network, ok := ParseNetwork(cell)
	address, err := netip.ParseAddr(value)
	if !ok || err != nil {
		return false
	}
	a, b := network.Addr().As16(), address.As16()
	bits := network.Bits()
	if network.Addr().Is4() {
		bits += mapped
	}
	if network.Addr().Is4() != address.Unmap().Is4() {
		return false
	}
	for i := range bits {
		if (a[i/8]^b[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}

func naiveFits(pattern, value []rune) bool {
	if len(pattern) == 0 {
		return len(value) == 0
	}
	switch c := pattern[0]; {
	case c == '*':
		return naiveFits(pattern[1:], value) || len(value) > 0 && naiveFits(pattern, value[1:])
	case c == '?':
		return len(value) > 0 && naiveFits(pattern[1:], value[1:])
	case c == '\\' && len(pattern) > 1 && strings.ContainsRune(`*?\`, pattern[1]):
		pattern = pattern[1:]
	}
	return len(value) > 0 && value[0] == pattern[0] && naiveFits(pattern[1:], value[1:])
}

// The small alphabets make values that have much in common.
var (
	someText    = rapid.StringOfN(rapid.SampledFrom([]rune("abB.é")), 1, 8, -1)
	somePattern = rapid.StringOfN(rapid.SampledFrom([]rune(`abB.é*?\`)), 1, 8, -1)
	someAddress = rapid.SampledFrom([]string{
		"10.0.0.1", "10.0.0.2", "10.0.1.1", "11.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:db8::2", "2001:db9::1", "fe80::1%eth0", "0.0.0.0", "::",
	})
	someNetwork = rapid.SampledFrom([]string{
		"10.0.0.0/24", "10.0.0.1/31", "10.0.0.1", "10.0.0.1/32", "0.0.0.0/0", "10.0.0.0/8", "::ffff:10.0.0.0/120", "::/0", "2001:db8::/32", "2001:db8::1",
		"2001:DB8:0::1/127", "::ffff:0:0/95", "10.0.0.0/33", "10.0.0", "",
	})
)

func TestColumnsHaveWhatLookingAtEveryRowFinds(t *testing.T) {
	values := map[Kind][2]*rapid.Generator[string]{
		Auto:     {rapid.OneOf(someNetwork, someText), rapid.OneOf(someAddress, someText, someNetwork)},
		Exact:    {someText, someText},
		Prefix:   {someText, someText},
		Wildcard: {somePattern, someText},
		CIDR:     {rapid.OneOf(someNetwork, someText), rapid.OneOf(someAddress, someText)},
	}
	for kind, g := range values {
		t.Run("kind "+string(kind), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { checkColumn(t, kind, g[0], g[1]) })
		})
	}
}

func checkColumn(t *rapid.T, kind Kind, cells, events *rapid.Generator[string]) {
	c, err := newColumn(kind)
	if err != nil {
		t.Fatal(err)
	}
	want := naive{kind: kind}
	last := Version(rapid.IntRange(1, 6).Draw(t, "versions"))
	for v := Version(1); v <= last; v++ {
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			n := len(want.rows)
			i := rapid.IntRange(-3, n-1).Draw(t, "row")
			if i >= 0 {
				if row := &want.rows[i]; row.to == 0 {
					row.to = v
					r, _ := c.intern(row.value)
					c.drop(r, v)
				}
				continue
			}
			row := naiveRow{value: cells.Draw(t, "cell"), from: v}
			if row.value == "" {
				continue
			}
			want.rows = append(want.rows, row)
			r, err := c.intern(row.value)
			if err != nil {
				t.Fatal(err)
			}
			c.add(r, v)
		}
	}
	for range 20 {
		value := events.Draw(t, "value")
		for v := Version(0); v <= last+1; v++ {
			if got, want := c.has(value, v), want.has(value, v); got != want {
				t.Fatalf("version %d has %q: %v, want %v", v, value, got, want)
			}
		}
	}
}

func TestManyPatternsAreFoundAndFewAreTried(t *testing.T) {
	shapes := []string{"*.host%d.example", "evil%d-*", "https://*/path%d/*", "*token%d*", "a?c%d", "h*%d"}
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			c, err := newColumn(Wildcard)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 10_000 {
				r, err := c.intern(strings.ReplaceAll(shape, "%d", digits(n)))
				if err != nil {
					t.Fatal(err)
				}
				c.add(r, 1)
			}
			value := strings.NewReplacer("%d", digits(4321), "*", "any", "?", "b").Replace(shape)
			tried := 0
			c.find.candidates(value, func(ref) bool { tried++; return false })
			if !c.has(value, 1) || tried > 100 {
				t.Errorf("%q: found %v after trying %d patterns of %d", value, c.has(value, 1), tried, 10_000)
			}
			if c.has(strings.ReplaceAll(value, digits(4321), "x"), 1) {
				t.Errorf("a value that no pattern fits is found")
			}
		})
	}
}

// digits are five, so that no number begins with another.
func digits(n int) string {
	return string([]byte{'0' + byte(n/10000%10), '0' + byte(n/1000%10), '0' + byte(n/100%10), '0' + byte(n/10%10), '0' + byte(n%10)})
}

func FuzzPatterns(f *testing.F) {
	f.Add(`*.evil.example`, "www.evil.example")
	f.Add(`a\*b?`, "a*bé")
	f.Add(`\`, `\`)
	f.Add(`**a**?`, "ba\xff")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if pattern == "" || len(pattern) > 20 || len(value) > 40 {
			return
		}
		c, err := newColumn(Wildcard)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.intern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		c.add(r, 1)
		if got, want := c.has(value, 1), fits(pattern, value); got != want {
			t.Fatalf("%q has %q: %v, but it fits: %v", pattern, value, got, want)
		}
		valid := string([]rune(value)) == value && string([]rune(pattern)) == pattern
		if valid && fits(pattern, value) != naiveFits([]rune(pattern), []rune(value)) {
			t.Fatalf("%q fits %q: %v", pattern, value, fits(pattern, value))
		}
		if plain := !strings.ContainsAny(pattern, `*?\[`); plain {
			if matched, err := path.Match(pattern, value); err == nil && matched != fits(pattern, value) {
				t.Fatalf("%q fits %q: %v", pattern, value, fits(pattern, value))
			}
		}
	})
}

func FuzzNetworks(f *testing.F) {
	for _, cell := range []string{"10.0.0.0/8", "::ffff:1.2.3.4/97", "fe80::1%eth0/64", "1.2.3.4/33", "::/0"} {
		f.Add(cell, "10.1.2.3")
	}
	f.Fuzz(func(t *testing.T, cell, value string) {
		for _, kind := range []Kind{Auto, CIDR} {
			c, err := newColumn(kind)
			if err != nil {
				t.Fatal(err)
			}
			r, err := c.intern(cell)
			if err != nil {
				return
			}
			c.add(r, 1)
			want := cell != "" && naiveIn(kind, cell, value)
			if kind == Auto && (strings.HasPrefix(cell, "\xff") || strings.HasPrefix(value, "\xff")) {
				want = false
			}
			if got := c.has(value, 1); got != want {
				t.Fatalf("kind %q: %q has %q: %v, want %v", kind, cell, value, got, want)
			}
		}
	})
}
