package content

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWordsAreThoseOfUnicode(t *testing.T) {
	for text, want := range map[string]string{
		"Failed password for root from 203.0.113.66 port 22": "Failed|password|for|root|from|203.0.113.66|port|22",
		"can't stop,won't stop!":                             "can't|stop|won't|stop",
		"key=value; path=/usr/bin":                           "key|value|path|usr|bin",
		" \t--- \n":                                          "",
		"naïve Ünïcode 3.5":                                  "naïve|Ünïcode|3.5",
		"\xff\xfe":                                           "",
	} {
		if got := strings.Join(slices.Collect(Words(text)), "|"); got != want {
			t.Errorf("%q has the words %q, want %q", text, got, want)
		}
	}
}

func TestSignaturesEstimateTheJaccardIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var bias, squares float64
	const rounds = 400
	for round := range rounds {
		shared, alone := 1+r.IntN(40), r.IntN(40)
		var a, b strings.Builder
		for n := range shared + alone {
			word := fmt.Sprintf("w%dx%d ", round, n)
			a.WriteString(word)
			if n >= shared {
				word = "other" + word
			}
			b.WriteString(word)
		}
		sa, _ := Sign(a.String())
		sb, _ := Sign(b.String())
		truth := float64(shared) / float64(shared+2*alone)
		z := (sa.Similarity(&sb) - truth) / math.Sqrt(max(truth*(1-truth), 1e-9)/Size)
		if alone == 0 {
			if sa != sb {
				t.Fatal("texts of the same words have different signatures")
			}
			continue
		}
		if math.Abs(z) > 5 {
			t.Errorf("similarity %.3f, want %.3f: %.1f standard errors", sa.Similarity(&sb), truth, z)
		}
		bias, squares = bias+z, squares+z*z
	}
	if bias /= rounds; math.Abs(bias) > 0.2 {
		t.Errorf("estimates are off by %.2f standard errors on average", bias)
	}
	if squares /= rounds; squares > 1.3 {
		t.Errorf("the variance of estimates is %.2f times that of independent orders", squares)
	}
}

func TestWhatIsStoredStaysReadable(t *testing.T) {
	s, ok := Sign("Accepted publickey for ubuntu")
	if !ok {
		t.Fatal("no words")
	}
	back, err := ParseSignature(s.Text())
	if err != nil || back != s {
		t.Errorf("signature does not come back: %v", err)
	}
	if _, err := ParseSignature("short"); err == nil {
		t.Error("5 bytes are a signature")
	}
	// Stored signatures are compared with new ones: they must not change.
	if got := fmt.Sprintf("%08x %08x", s[0], s[Size-1]); got != wantEnds {
		t.Errorf("signatures are not what they were: %s, want %s", got, wantEnds)
	}
}

const wantEnds = "6e8e10c2 489ea111"

// TestMemoryCountsAsLookingAtAllTextsDoes compares with a list of all that was
// ever learned.
func TestMemoryCountsAsLookingAtAllTextsDoes(t *testing.T) {
	texts := []string{"a b c d", "a b c e", "a b x y", "p q r s", "a b c d e f g h", "p q r"}
	rapid.Check(t, func(t *rapid.T) {
		type learned struct {
			signature Signature
			at        int64
		}
		var all []learned
		m := NewMemory(100)
		o := Options{rapid.IntRange(MinSimilarity, MaxSimilarity).Draw(t, "similarity"), rapid.IntRange(MinItems, MaxItems).Draw(t, "items")}
		keep := int64(rapid.IntRange(1, 30).Draw(t, "keep"))
		now := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += int64(rapid.IntRange(0, 3).Draw(t, "pause"))
			s, _ := Sign(rapid.SampledFrom(texts).Draw(t, "text"))
			want := 0
			for _, l := range all {
				if l.at >= now-keep && l.at < now && l.signature.Similarity(&s) >= float64(o.Similarity)/100 {
					want++
				}
			}
			if got := m.Similar(s, o, now-keep, now); got != min(want, o.Items) {
				t.Fatalf("%d similar texts, want %d", got, min(want, o.Items))
			}
			for range rapid.SampledFrom([]int{1, 1, 2, 50}).Draw(t, "burst") {
				m.Add(s, now)
				all = append(all, learned{s, now})
			}
			if rapid.Bool().Draw(t, "forget") {
				m.Forget(now - keep)
			}
		}
	})
}

func TestMemoryIsBoundedAndSaysWhatItDropped(t *testing.T) {
	m := NewMemory(10)
	o := Options{100, 1}
	for n := range 25 {
		s, _ := Sign(fmt.Sprint("text ", n))
		m.Add(s, int64(n))
	}
	if m.Len() != 10 || m.Dropped != 15 {
		t.Errorf("%d held, %d dropped", m.Len(), m.Dropped)
	}
	old, _ := Sign("text 14")
	kept, _ := Sign("text 15")
	if m.Similar(old, o, 0, 100) != 0 || m.Similar(kept, o, 0, 100) != 1 {
		t.Error("not the oldest were dropped")
	}
	m.Forget(20)
	if m.Len() != 5 {
		t.Errorf("%d are held after forgetting, want 5", m.Len())
	}
}

func TestOptionsHaveLimits(t *testing.T) {
	if err := (Options{DefaultSimilarity, DefaultItems}).Check(); err != nil {
		t.Error(err)
	}
	if err := (Options{34, 21}).Check(); err == nil || !strings.Contains(err.Error(), "similarity") || !strings.Contains(err.Error(), "similar items") {
		t.Errorf("got %v", err)
	}
}

func FuzzSign(f *testing.F) {
	f.Add("Failed password for root")
	f.Add(strings.Repeat("é", MaxText))
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := Sign(text)
		if again, _ := Sign(text); again != s {
			t.Fatal("two signatures of one text")
		}
		if words := slices.Collect(Words(text)); len(text) <= MaxText && ok != (len(words) > 0) {
			t.Fatalf("%d words, signed %v", len(words), ok)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	text := "Failed password for invalid user admin from 203.0.113.66 port 52313 ssh2 on host web-1 in eu-west-1"
	for b.Loop() {
		Sign(text)
	}
}

// BenchmarkSimilarToNone is the worst case: all of a full memory is looked at.
func BenchmarkSimilarToNone(b *testing.B) {
	m := NewMemory(1000)
	for n := range 1000 {
		s, _ := Sign(fmt.Sprintf("a%d b%d c%d", n, n, n))
		m.Add(s, int64(n))
	}
	s, _ := Sign("nothing like it")
	for b.Loop() {
		m.Similar(s, Options{70, 1}, 0, 2000)
	}
}
