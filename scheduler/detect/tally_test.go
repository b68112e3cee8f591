package detect

import (
	"math/rand/v2"
	"testing"
)

// TestATallyIsWhatWasCounted counts at random, close and far, and compares with a map.
func TestATallyIsWhatWasCounted(t *testing.T) {
	folded, unfolded := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var got tally
		want := map[int64]uint32{}
		base, wasDense := r.Int64N(5_000_000)-1_000_000, false
		for i := range 400 {
			b := base + int64(i)*r.Int64N(3)/2
			switch r.IntN(100) {
			case 0:
				b = base - r.Int64N(1000)
			case 1:
				b = base + r.Int64N(100_000)*r.Int64N(2)
			case 2:
				before := base + r.Int64N(200)
				got.letGo(before)
				for b := range want {
					if b < before {
						delete(want, b)
					}
				}
			}
			n := uint64(1 + r.IntN(3))
			if r.IntN(50) == 0 {
				n = []uint64{65_533, 65_534, 65_535, 70_000, 5_000_000_000}[r.IntN(5)]
			}
			got.add(b, n)
			want[b] = uint32(min(uint64(want[b])+n, 1<<32-1))
			if got.count(b) != want[b] {
				t.Fatalf("seed %d: bucket %d has %d, want %d", seed, b, got.count(b), want[b])
			}
			if dense := got.dense != nil; dense != wasDense {
				if wasDense = dense; dense {
					folded++
				} else {
					unfolded++
				}
			}
		}
		n, last := 0, int64(-1<<62)
		for b, count := range got.all() {
			if b <= last || want[b] != count {
				t.Fatalf("seed %d: bucket %d after %d has %d, want %d", seed, b, last, count, want[b])
			}
			n, last = n+1, b
		}
		if n != len(want) {
			t.Fatalf("seed %d: %d buckets, want %d", seed, n, len(want))
		}
		if b, ok := got.last(last); !ok || b != last || got.count(last+1_000_000) != 0 {
			t.Fatalf("seed %d: the last is %d, want %d", seed, b, last)
		}
	}
	if folded < 50 || unfolded < 20 {
		t.Errorf("%d lists were folded, %d unfolded: too little happens", folded, unfolded)
	}
}
