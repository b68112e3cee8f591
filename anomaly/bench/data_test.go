package bench

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightjar/testenv"
)

// labelled is a series whose anomalies are known.
type labelled struct {
	name    string
	at      []int64 // ms
	value   []float64
	label   []bool
	windows []span // of points, both ends within; in order
}

type span struct{ first, last int }

// day is how many points a day has, going by the usual step; 0: none.
func (l labelled) day() int {
	deltas := make([]int64, 0, len(l.at))
	for i := 1; i < len(l.at); i++ {
		deltas = append(deltas, l.at[i]-l.at[i-1])
	}
	slices.Sort(deltas)
	if step := deltas[len(deltas)/2]; step > 0 {
		return int(86_400_000 / step)
	}
	return 0
}

// readKPIs reads the two public series of operations, labelled point by point.
func readKPIs(t testing.TB) (out []labelled) {
	t.Helper()
	for _, name := range []string{"donut_cpu4", "donut_server_res_eth1out_curve_6"} {
		l := labelled{name: name}
		for _, r := range readRows(t, testenv.Shared(t, "data/timeseries/"+name+".csv")) {
			at, err := strconv.ParseInt(r[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			l.at = append(l.at, at*1000)
			l.value = append(l.value, number(t, r[1]))
			l.label = append(l.label, r[2] == "1")
		}
		for i := 0; i < len(l.label); i++ {
			if first := i; l.label[i] {
				for i < len(l.label) && l.label[i] {
					i++
				}
				l.windows = append(l.windows, span{first, i - 1})
			}
		}
		out = append(out, l)
	}
	return out
}

// readNAB reads the files of the Numenta benchmark that are here, in the order of
// their names.
func readNAB(t testing.TB) (out []labelled) {
	t.Helper()
	root := testenv.Shared(t, "data/nab")
	text, err := os.ReadFile(filepath.Join(root, "combined_windows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var windows map[string][][2]string
	if err := json.Unmarshal(text, &windows); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(windows)) {
		l := labelled{name: name}
		for _, r := range readRows(t, filepath.Join(root, "data", name)) {
			l.at = append(l.at, clock(t, r[0]))
			l.value = append(l.value, number(t, r[1]))
		}
		l.label = make([]bool, len(l.at))
		for _, w := range windows[name] {
			s := span{slices.Index(l.at, clock(t, w[0])), slices.Index(l.at, clock(t, w[1]))}
			if s.first < 0 || s.last < s.first {
				t.Fatalf("%s: no points at the window %v", name, w)
			}
			l.windows = append(l.windows, s)
			for i := s.first; i <= s.last; i++ {
				l.label[i] = true
			}
		}
		out = append(out, l)
	}
	return out
}

func readRows(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func clock(t testing.TB, text string) int64 {
	t.Helper()
	text, _, _ = strings.Cut(text, ".")
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}
