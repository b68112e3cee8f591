package demo

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"nightjar/content"
)

func TestTheDayIsTheSameEachTimeAndSaysThatItIsADemo(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day, err := Day(now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Day(now)
	if err != nil || !reflect.DeepEqual(day, again) {
		t.Error("another day came of the same moment", err)
	}
	if len(day) < 1500 {
		t.Errorf("%d logs", len(day))
	}
	last := int64(0)
	for _, text := range day {
		var l struct {
			Timestamp int64
			Tags      string `json:"ddtags"`
		}
		if err := json.Unmarshal(text, &l); err != nil || l.Tags != Tag || l.Timestamp < last || l.Timestamp > now.UnixMilli() || l.Timestamp < now.Add(-24*time.Hour).UnixMilli() {
			t.Fatalf("%s: %v", text, err)
		}
		last = l.Timestamp
	}
	for _, file := range Rules {
		if _, err := content.Files.ReadFile(file); err != nil {
			t.Error(err)
		}
	}
}
