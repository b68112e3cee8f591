package objects

import (
	"context"
	"log/slog"

	"nightjar/schema"
)

// Idle says that a version is kept and does nothing; nil where it has its effect.
func (s *Store[T]) Idle(v Versioned[T]) []schema.Idle {
	if s.kind.Idle == nil || v.BuiltIn && v.Version == 1 {
		return nil
	}
	reason := s.kind.Idle(&v.Body)
	if reason == "" {
		return nil
	}
	return []schema.Idle{{Kind: s.kind.Name, ID: v.ID, Name: s.kind.Label(&v.Body), Reason: reason}}
}

// Idles are those of all present objects.
func (s *Store[T]) Idles(ctx context.Context) (out []schema.Idle) {
	all, _ := s.List(ctx) // never fails
	for _, v := range all {
		out = append(out, s.Idle(v)...)
	}
	return out
}

// LogIdle tells the operator what is kept and does nothing.
func LogIdle(log *slog.Logger, idle []schema.Idle) {
	for _, i := range idle {
		log.Warn("stored, and without effect", "kind", i.Kind, "id", i.ID, "name", i.Name, "field", i.Field, "reason", i.Reason)
	}
}
