package service

import (
	"testing"

	pb "nightjar/api/v1"

	"nightjar/api/access"
)

func TestWhoHasSignedInIsAUser(t *testing.T) {
	for kind, want := range map[access.Kind]string{access.WithSession: "user", access.WithKey: "key", access.WithCertificate: "certificate"} {
		ctx := access.With(t.Context(), access.Caller{ID: "1", Name: "rita", Role: access.Analyst, Kind: kind})
		got, err := callers{}.GetCaller(ctx, &pb.GetCallerRequest{})
		if err != nil || got.GetKind() != want || got.GetName() != "rita" || got.GetRole() != "analyst" {
			t.Errorf("%s: %v %v", kind, got, err)
		}
	}
}
