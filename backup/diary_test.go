package backup

import (
	"path/filepath"
	"testing"
	"time"
)

// TestBackupsAreRemembered: the latest ones, over restarts; one that was cut short by an end
// of the engine has failed.
func TestBackupsAreRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backups.json")
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d, err := OpenDiary(path)
	if err != nil || len(d.Runs()) != 0 {
		t.Fatalf("%v %v", d.Runs(), err)
	}
	for i := range maxRuns + 3 {
		r := Run{By: "ann", Begun: begun.AddDate(0, 0, i)}
		if err := d.Note(r); err != nil {
			t.Fatal(err)
		}
		if i == maxRuns+2 {
			break // it is being written
		}
		r.Ended, r.Bytes = r.Begun.Add(time.Minute), 7
		if err := d.Note(r); err != nil {
			t.Fatal(err)
		}
	}
	if d, err = OpenDiary(path); err != nil {
		t.Fatal(err)
	}
	runs := d.Runs()
	if len(runs) != maxRuns || runs[0].Error == "" || runs[1].Error != "" || runs[1].Bytes != 7 || !runs[0].Begun.After(runs[1].Begun) {
		t.Errorf("%+v", runs)
	}
}
