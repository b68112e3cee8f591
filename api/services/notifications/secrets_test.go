package notifications

import (
	"testing"
	"time"

	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/objects/objectstest"
)

// secrets are what was kept, by name.
type secrets struct {
	Store
	kept map[string]string
}

func (s secrets) KeepSecret(name, value string) (string, error) {
	s.kept[name] = value
	return "secret:" + name, nil
}

// TestARefusedChangeOfATargetChangesNoSecret which the target as it is is told by.
func TestARefusedChangeOfATargetChangesNoSecret(t *testing.T) {
	kept := secrets{kept: map[string]string{}}
	s := &NotificationService{Told: kept, Targets: objects.New(configuration.NotificationTargets, &objectstest.Table{}, time.Now), Now: time.Now}
	target := func(name, secret string, version int64) *pb.NotificationTarget {
		return &pb.NotificationTarget{Name: name, Type: "webhook", Url: "https://soc.example/", Secret: secret, Version: version}
	}
	made, err := s.CreateNotificationTarget(t.Context(), &pb.CreateNotificationTargetRequest{Target: target("soc", "old", 0)})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]*pb.UpdateNotificationTargetRequest{
		"of another version": {TargetId: made.GetId(), Target: target("soc", "new", 99)},
		"of no target":       {TargetId: "none", Target: target("ghost", "new", 0)},
		"of its handle":      {TargetId: made.GetId(), Target: target("other", "new", 0)},
	} {
		if _, err := s.UpdateNotificationTarget(t.Context(), in); err == nil {
			t.Errorf("a change %s is taken", name)
		}
	}
	if len(kept.kept) != 1 || kept.kept["target-webhook-soc"] != "old" {
		t.Errorf("kept: %v", kept.kept)
	}
	if _, err := s.UpdateNotificationTarget(t.Context(), &pb.UpdateNotificationTargetRequest{TargetId: made.GetId(), Target: target("soc", "new", 1)}); err != nil || kept.kept["target-webhook-soc"] != "new" {
		t.Errorf("a change: %v, %v", err, kept.kept)
	}
}
