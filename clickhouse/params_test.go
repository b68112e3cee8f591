package clickhouse_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// awkward is every byte by itself, and the ways in which they meet.
func awkward() []string {
	var all []string
	for b := range 256 {
		all = append(all, string([]byte{byte(b)}), string([]byte{'a', byte(b), 'z'}), string([]byte{'\\', byte(b)}))
	}
	var every strings.Builder
	for b := range 256 {
		every.WriteByte(byte(b))
	}
	return append(all, every.String(), "", `C:\new\tool.exe`, `\N`, `NULL`, `'`, `''`, `\'`, `','`, `']`, `[`, `{p:String}`,
		`\\`, `\x41`, `\0`, "\x00\x00", "a\r\nb", "ü→🐦", "\xff\xfe", ` leading and trailing `, strings.Repeat(`\'`, 4096))
}

func TestStringsArriveAsTheyWereSent(t *testing.T) {
	conn := testenv.ClickHouse(t)
	for _, want := range awkward() {
		params := clickhouse.Params{}.String("p", want).Strings("list", []string{want, "between", want})
		var (
			got  string
			list []string
		)
		err := conn.QueryRow(params.Context(t.Context()), "SELECT {p:String}, {list:Array(String)}").Scan(&got, &list)
		if err != nil {
			t.Fatalf("%q: %v", want, err)
		}
		if got != want {
			t.Errorf("String %q arrived as %q", want, got)
		}
		if diff := cmp.Diff([]string{want, "between", want}, list); diff != "" {
			t.Errorf("Array(String) of %q (-sent +arrived):\n%s", want, diff)
		}
	}
}

func TestAllStringsArriveInOneArray(t *testing.T) {
	conn := testenv.ClickHouse(t)
	for _, want := range [][]string{awkward(), {}} {
		var got []string
		params := clickhouse.Params{}.Strings("list", want)
		if err := conn.QueryRow(params.Context(t.Context()), "SELECT {list:Array(String)}").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-sent +arrived):\n%s", diff)
		}
	}
}

func TestNumbersAndTimesArriveAsTheyWereSent(t *testing.T) {
	conn := testenv.ClickHouse(t)
	for _, want := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		var got int64
		var list []int64
		params := clickhouse.Params{}.Int("p", want).Ints("list", []int64{want, 7})
		if err := conn.QueryRow(params.Context(t.Context()), "SELECT {p:Int64}, {list:Array(Int64)}").Scan(&got, &list); err != nil || got != want || !cmp.Equal(list, []int64{want, 7}) {
			t.Errorf("Int64 %d arrived as %d and %d, %v", want, got, list, err)
		}
	}
	for _, want := range []float64{0, 0.1, -1e300, 5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1)} {
		var got float64
		if err := conn.QueryRow(clickhouse.Params{}.Float("p", want).Context(t.Context()), "SELECT {p:Float64}").Scan(&got); err != nil || got != want {
			t.Errorf("Float64 %v arrived as %v, %v", want, got, err)
		}
	}
	for _, want := range []bool{false, true} {
		var got bool
		if err := conn.QueryRow(clickhouse.Params{}.Bool("p", want).Context(t.Context()), "SELECT {p:Bool}").Scan(&got); err != nil || got != want {
			t.Errorf("Bool %v arrived as %v, %v", want, got, err)
		}
	}
	var largest uint64
	if err := conn.QueryRow(clickhouse.Params{}.Uint("p", math.MaxUint64).Context(t.Context()), "SELECT {p:UInt64}").Scan(&largest); err != nil || largest != math.MaxUint64 {
		t.Errorf("UInt64 arrived as %d, %v", largest, err)
	}
	for _, want := range []time.Time{
		time.Unix(0, 0), time.Unix(1_700_000_000, 123_456_789), time.Unix(-1, 0), time.Unix(-2, 999_999_999),
		time.Unix(-5, 1), time.Unix(-5, 0), time.Unix(0, 1),
	} {
		var got time.Time
		if err := conn.QueryRow(clickhouse.Params{}.Time("p", want).Context(t.Context()), "SELECT {p:DateTime64(9)}").Scan(&got); err != nil || !got.Equal(want) {
			t.Errorf("DateTime64 %v arrived as %v, %v", want.UTC(), got.UTC(), err)
		}
	}
}
