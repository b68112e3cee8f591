package ingest

import (
	"fmt"
	"strings"
	"testing"
)

// TestTimestamps reads one moment in the forms in which it is sent.
func TestTimestamps(t *testing.T) {
	const want, whole = "2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.000Z"
	unreadable := func(sent string) string {
		return fmt.Sprintf(`2026-05-01T12:00:00.000Z {"nightjar":{"original_timestamp":%s,"timestamp_problem":"unreadable"}}`, sent)
	}
	zone := func(sent, name string) string {
		return fmt.Sprintf(`2026-05-01T12:00:00.000Z {"nightjar":{"original_timestamp":%s,"timestamp_problem":"unknown time zone %s"}}`, sent, name)
	}
	for _, c := range []struct{ value, want string }{
		{`1700000000123`, want}, {`"1700000000123"`, want}, {`1700000000123456`, want}, {`1700000000123456789`, want}, {`1700000000123.9`, want},
		{`133444736001230000`, want}, {`638355968001230000`, want}, // FILETIME, ticks of .NET
		{`"2023-11-14T22:13:20.123Z"`, want}, {`"2023-11-15T00:13:20.123456+02:00"`, want}, {`"2023-11-14 22:13:20.123"`, want},
		{`"2023-11-14 22:13:20,123"`, want}, {`"2023-11-14T22:13:20.123+0000"`, want}, {`"2023-11-14t22:13:20.123z"`, want},
		{`"2023-11-14 15:13:20.000-0700"`, whole}, {`"2023-11-14 15:13:20 -07:00"`, whole}, {`"2023-11-15T03:13:20+05"`, whole}, {`"20231114T221320Z"`, whole},
		{`"20231114T221320.123Z"`, want}, {`"2023/11/14 22:13:20"`, whole}, {`"2023-11-14T22:13Z"`, "2023-11-14T22:13:00.000Z"},
		{`"2016-12-31T23:59:60Z"`, "2017-01-01T00:00:00.000Z"}, {`"2023-11-14"`, "2023-11-14T00:00:00.000Z"},
		{`"2023-11-14 22:13:20.123 +0000 UTC m=+0.5"`, want}, {`"2023-11-14T23:13:20.123+01:00[Europe/Paris]"`, want},
		{`"/Date(1700000000123)/"`, want}, {`"\/Date(1700000000123+0100)\/"`, want}, {`{"$date":"2023-11-14T22:13:20.123Z"}`, want},
		{`{"$date":1700000000123}`, want}, {`{"$date":{"$numberLong":"1700000000123"}}`, want}, {`{"seconds":1700000000,"nanos":123456789}`, want},
		{`{"SystemTime":"2023-11-14T22:13:20.1234567Z"}`, want}, {`{"#attributes":{"SystemTime":"2023-11-14T22:13:20.1234567Z"}}`, want},
		{`"14/Nov/2023:22:13:20 +0000"`, whole}, {`"Tue, 14 Nov 2023 22:13:20 GMT"`, whole}, {`"Tuesday, 14-Nov-23 22:13:20 UTC"`, whole},
		{`"Tue Nov 14 22:13:20 2023"`, whole}, {`"Tue Nov 14 22:13:20 UTC 2023"`, whole}, {`"Tue Nov 14 22:13:20 +0000 2023"`, whole},
		{`"Nov 14, 2023 10:13:20 PM"`, whole}, {`"14 November 2023, 22:13:20.123"`, want}, {`"2023 Nov 14 22:13:20"`, whole}, {`"Nov 14 22:13:20"`, "2025-11-14T22:13:20.000Z"},
		{`"2023-11-14 17:13:20 EST"`, whole}, {`"2023-11-14 18:13:20 EDT"`, whole}, {`"2023-11-14 15:13:20 MST"`, whole}, {`"2023-11-14 16:13:20 MDT"`, whole},
		{`"2023-11-14 14:13:20 PST"`, whole}, {`"2023-11-14 15:13:20 PDT"`, whole}, {`"2023-11-14 22:13:20 WET"`, whole}, {`"2023-11-14 23:13:20 WEST"`, whole},
		{`"2023-11-14 23:13:20 CET"`, whole}, {`"2023-11-15 00:13:20 CEST"`, whole}, {`"2023-11-15 00:13:20 EET"`, whole}, {`"2023-11-15 01:13:20 eest"`, whole},
		{`"2023-11-15 01:13:20 MSK"`, whole}, {`"2023-11-15 07:13:20 JST"`, whole}, {`"2023-11-15 07:13:20KST"`, whole}, {`"2023-11-14 22:13:20 UTC"`, whole},
		{`"2023-11-15 00:13:20 GMT+2"`, whole}, {`"Tue Nov 14 23:13:20 CET 2023"`, whole}, {`"Tue, 14 Nov 2023 17:13:20 EST"`, whole},
		{`"2023-11-14 16:13:20 CST"`, zone(`"2023-11-14 16:13:20 CST"`, "CST")}, {`"Tue Nov 14 22:13:20 IST 2023"`, zone(`"Tue Nov 14 22:13:20 IST 2023"`, "IST")},
		{`"2023-11-14 16:13:20 BST"`, zone(`"2023-11-14 16:13:20 BST"`, "BST")},
		{`null`, "2026-05-01T12:00:00.000Z"}, {`""`, "2026-05-01T12:00:00.000Z"},
		{`"yesterday"`, unreadable(`"yesterday"`)}, {`{"a":1}`, unreadable(`{"a":1}`)}, {`1e30`, unreadable(`1e30`)}, {`true`, unreadable(`true`)},
		{`"11/14/2023 22:13:20"`, unreadable(`"11/14/2023 22:13:20"`)}, {`"2023-02-29T00:00:00Z"`, unreadable(`"2023-02-29T00:00:00Z"`)},
		{`"2023-11-14T25:13:20Z"`, unreadable(`"2023-11-14T25:13:20Z"`)}, {`"2023-11-14T22:13:20X"`, unreadable(`"2023-11-14T22:13:20X"`)},
		{`"2023-11-14T22:13:20Z and more"`, unreadable(`"2023-11-14T22:13:20Z and more"`)}, {`"Nov 31 22:13:20"`, unreadable(`"Nov 31 22:13:20"`)},
	} {
		for _, key := range []string{"timestamp", "date"} {
			if got := readAs(t, key, c.value); got != c.want {
				t.Errorf("%s %s: %s, want %s", key, c.value, got, c.want)
			}
		}
	}
}

func readAs(t *testing.T, key, value string) string {
	t.Helper()
	d := Decoder{Now: testNow, Source: "tz"}
	events, err := d.JSON([]byte(fmt.Sprintf(`{%q:%s}`, key, value)))
	if err != nil {
		t.Fatal(err)
	}
	got := events[0].At.String()
	if events[0].JSON != "{}" {
		got += " " + events[0].JSON
	}
	if kept := strings.Contains(got, "timestamp_problem"); kept != (d.BadTimes["tz"] == 1) {
		t.Errorf("%s is counted %d times as unreadable", value, d.BadTimes["tz"])
	}
	return got
}

// TestNumbersUnderTimestampAreMilliseconds and have the unit of their size under
// every other name.
func TestNumbersUnderTimestampAreMilliseconds(t *testing.T) {
	for _, c := range []struct{ value, timestamp, other string }{
		{`1700000000`, "1970-01-20T16:13:20.000Z", "2023-11-14T22:13:20.000Z"},
		{`"1700000000"`, "1970-01-20T16:13:20.000Z", "2023-11-14T22:13:20.000Z"},
		{`1700000000.5`, "1970-01-20T16:13:20.000Z", "2023-11-14T22:13:20.500Z"},
		{`0`, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"},
		{`-1`, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.000Z"},
	} {
		if got := readAs(t, "timestamp", c.value); got != c.timestamp {
			t.Errorf("timestamp %s: %s, want %s", c.value, got, c.timestamp)
		}
		for _, key := range []string{"date", "@timestamp", "_timestamp", "Timestamp", "eventTime", "published_date", "time", "ts", "TimeCreated", "UtcTime", "EventTime", "requestReceivedTimestamp"} {
			if got, _, _ := strings.Cut(readAs(t, key, c.value), " "); got != c.other {
				t.Errorf("%s %s: %s, want %s", key, c.value, got, c.other)
			}
		}
	}
}
