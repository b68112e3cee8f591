package facets

import (
	"strings"
	"testing"
	"time"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

func at(t *testing.T, text string) schema.Millis {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return schema.MillisOf(m)
}

// TestBucketsBeginAtRoundTimesOfTheZone goes over both changes of the clock, a zone that is
// no whole hours away, and one whose day of the change begins at one.
func TestBucketsBeginAtRoundTimesOfTheZone(t *testing.T) {
	for _, c := range []struct{ zone, from, to, interval, want string }{
		{"UTC", "2026-03-01T10:07:00Z", "2026-03-01T12:00:00Z", "1h", "2026-03-01T10:00 2026-03-01T11:00 2026-03-01T12:00"},
		{"Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "1d", "2026-03-28T00:00 2026-03-29T00:00 2026-03-30T00:00 2026-03-31T00:00"},
		{"Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T04:00:00Z", "6h", "2026-03-29T00:00 2026-03-29T07:00"},
		{"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "12h", "2026-10-25T00:00 2026-10-25T11:00 2026-10-25T23:00 2026-10-26T00:00"},
		{"Asia/Kolkata", "2026-03-01T10:07:00Z", "2026-03-01T11:00:00Z", "30m", "2026-03-01T15:30 2026-03-01T16:00 2026-03-01T16:30"},
		{"Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "1d", "2026-03-28T00:00 2026-03-29T01:00 2026-03-30T00:00 2026-03-31T00:00"},
		{"UTC", "2026-03-05T10:00:00Z", "2026-03-17T00:00:00Z", "1w", "2026-03-02T00:00 2026-03-09T00:00 2026-03-16T00:00 2026-03-23T00:00"},
	} {
		loc, err := zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		from, to := at(t, c.from), at(t, c.to)
		w, err := bucketWidth(&pb.Buckets{Interval: c.interval}, to.Time().Sub(from.Time()))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range bounds(from, to, w, loc) {
			got = append(got, b.Time().In(loc).Format("2006-01-02T15:04"))
		}
		if text := strings.Join(got, " "); text != c.want || w.String() != c.interval {
			t.Errorf("%+v: got %s by %s", c, text, w)
		}
	}
}

// TestBucketsCoverTheirSpan asks for every number of buckets of many spans.
func TestBucketsCoverTheirSpan(t *testing.T) {
	from := at(t, "2026-03-27T13:37:11Z")
	for _, name := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"} {
		loc, err := zone(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range []time.Duration{time.Millisecond, time.Second, time.Hour, 25 * time.Hour, 40 * 24 * time.Hour, 3000 * 24 * time.Hour} {
			for _, count := range []int32{1, 2, 12, 60, 1000} {
				to := from.Add(span)
				w, err := bucketWidth(&pb.Buckets{Count: &count}, span)
				if err != nil {
					t.Fatal(err)
				}
				list := bounds(from, to, w, loc)
				if list[0] > from || list[len(list)-1] < to || len(list) > 2 && list[1] <= from || len(list) > 1 && list[len(list)-2] >= to {
					t.Errorf("%s, %s in %d: %v does not fit [%v, %v)", name, span, count, list, from, to)
				}
				for i := range list[1:] {
					if list[i] >= list[i+1] {
						t.Fatalf("%s, %s in %d: not ascending: %v", name, span, count, list)
					}
				}
			}
		}
	}
}

func TestBucketsThatCannotBeAreRefused(t *testing.T) {
	for _, in := range []*pb.Buckets{{Interval: "7h"}, {Interval: "0s"}, {Interval: "1y"}, {Interval: "1s"}, {Count: new(int32(1001))}, {Count: new(int32(-1))}, {Interval: "999999w"}} {
		if w, err := bucketWidth(in, 24*time.Hour); err == nil && in.Interval != "999999w" {
			t.Errorf("%v: got %s", in, w)
		}
	}
	for _, name := range []string{"Local", "Nowhere/Atall", "../etc/passwd"} {
		if _, err := zone(name); err == nil {
			t.Errorf("%s is no zone", name)
		}
	}
}
