package cli

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func scored(t *testing.T, text string) (rows []string, odd oddRows, err error) {
	t.Helper()
	var out strings.Builder
	odd, err = scoreSeries(strings.NewReader(text), &out, asCSV)
	return strings.Split(strings.TrimSpace(out.String()), "\n")[1:], odd, err
}

func TestAScoreIsMadeFromTheRowsBeforeIt(t *testing.T) {
	var rows []string
	for i := range 600 {
		rows = append(rows, fmt.Sprintf("%d,%.3f", 1_700_000_000+300*i, 10+3*math.Sin(float64(i)/7)+float64(i*7919%100)/50))
	}
	whole, _, err := scored(t, strings.Join(rows, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 100, 599} {
		part, _, err := scored(t, strings.Join(rows[:n], "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(part, "\n"), strings.Join(whole[:n], "\n"); got != want {
			t.Errorf("scores of the first %d rows change when more follow", n)
		}
	}
}

func TestEveryFormOfATimeMeansTheSame(t *testing.T) {
	for _, text := range []string{
		"1469376000", "1469376000.0", "1469376000000", "1469376000000000", "1469376000000000000", "1.469376e9",
		"2016-07-24 16:00:00", "2016-07-24T16:00:00Z", "2016-07-24T18:00:00+02:00", "2016-07-24 16:00", "2016/07/24 16:00:00", " 2016-07-24T16:00:00.000 ",
	} {
		if got, ok := readTime(text); !ok || got != 1_469_376_000_000 {
			t.Errorf("readTime(%q) = %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "yesterday", "NaN", "+Inf", "2016-13-01"} {
		if got, ok := readTime(text); ok {
			t.Errorf("readTime(%q) = %d, want none", text, got)
		}
	}
}

func TestOddRowsAreScoredZeroAndCounted(t *testing.T) {
	rows, odd, err := scored(t, "\ufefflabel,value,timestamp\n0,1,1000\n1,,1300\n0,NaN,1600\n0,2,soon\n0,3,1900\n0,4,1900\n0,5,1000\n0,6,2200\n0,6,3400\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1000,1,0,0", "1300,,0,0", "1600,NaN,0,0", "soon,2,0,0", "1900,3,0,0", "1900,4,0,0", "1000,5,0,0", "2200,6,0,0", "3400,6,0,0"}
	if got := strings.Join(rows, " "); got != strings.Join(want, " ") {
		t.Errorf("rows\n%s\nwant\n%s", got, strings.Join(want, " "))
	}
	if odd.noTime != (oddity{1, 5}) || odd.noValue != (oddity{2, 3}) || odd.repeated != (oddity{1, 7}) || odd.backwards != (oddity{1, 8}) || odd.missing != 3 {
		t.Errorf("odd rows %+v", odd)
	}
	if n := len(odd.warnings()); n != 5 {
		t.Errorf("%d warnings: %q", n, odd.warnings())
	}
}

func TestAFileThatIsNoSeriesIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "no row has a time and a number",
		"timestamp,value\n":             "no row has a time and a number",
		"timestamp,value\n1000,1\n1300": "line 3 has 1 fields",
		"a b c\nd e f\n":                "line 2 has 1 fields",
		"soon,1\nlater,2\n":             "no row has a time and a number",
	} {
		if _, _, err := scored(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzScoreSeries(f *testing.F) {
	f.Add("timestamp,value\n1000,1\n1300,2\n")
	f.Add("2016-07-24 16:00:00,1e300\n\"2016\n,\x00")
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		if _, err := scoreSeries(strings.NewReader(text), &out, asJSON); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
