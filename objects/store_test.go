package objects_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

func clock() func() time.Time {
	at := time.UnixMilli(1_000)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func filter(name string) configuration.SecurityFilter {
	return configuration.SecurityFilter{Name: name, Query: "*", IsEnabled: true, Exclusions: []configuration.ExclusionFilter{}}
}

func TestARestartFindsWhatWasThere(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	s := objects.New(configuration.SecurityFilters, rows, clock())
	one, err := s.Create(ctx, filter("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Create(ctx, filter("two"))
	if err != nil {
		t.Fatal(err)
	}
	rename := func(f *configuration.SecurityFilter) error { f.Name = "renamed"; return nil }
	if _, err := s.Update(ctx, one.ID, 1, rename); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, configuration.SecurityFilters.BuiltIn[0].ID, 0, func(f *configuration.SecurityFilter) error { f.IsEnabled = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, two.ID); err != nil {
		t.Fatal(err)
	}
	again := objects.New(configuration.SecurityFilters, rows, clock())
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(*objects.Store[configuration.SecurityFilter]) (any, error){
		"list": func(s *objects.Store[configuration.SecurityFilter]) (any, error) { return s.List(ctx) },
		"log":  func(s *objects.Store[configuration.SecurityFilter]) (any, error) { return s.Log(ctx) },
	} {
		want, err := read(s)
		got, errAgain := read(again)
		if err != nil || errAgain != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s after a restart:\n%v\nbefore:\n%v", name, got, want)
		}
	}
	all, _ := again.List(ctx)
	if len(all) != 2 || !all[0].BuiltIn || all[0].Body.IsEnabled || all[1].Body.Name != "renamed" || all[1].Version != 2 || all[1].CreatedAt >= all[1].UpdatedAt {
		t.Errorf("list: %+v", all)
	}
}

func TestUpdatesAreRefusedWithoutATrace(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	s := objects.New(configuration.SecurityFilters, rows, clock())
	v, err := s.Create(ctx, filter("one"))
	if err != nil {
		t.Fatal(err)
	}
	var conflict *schema.ConflictError
	var invalid *schema.InvalidError
	var missing *schema.NotFoundError
	keep := func(*configuration.SecurityFilter) error { return nil }
	if _, err := s.Update(ctx, v.ID, 7, keep); !errors.As(err, &conflict) || conflict.Have != 1 {
		t.Errorf("another version: %v", err)
	}
	if _, err := s.Update(ctx, v.ID, 0, func(f *configuration.SecurityFilter) error {
		f.Exclusions = append(f.Exclusions, configuration.ExclusionFilter{Name: "x", Query: "("})
		return nil
	}); !errors.As(err, &invalid) || invalid.Details[0].Target != "exclusion_filters[0].query" {
		t.Errorf("a broken query: %v", err)
	}
	if _, err := s.Update(ctx, "abc-def-ghi", 0, keep); !errors.As(err, &missing) {
		t.Errorf("an unknown id: %v", err)
	}
	if err := s.Delete(ctx, configuration.SecurityFilters.BuiltIn[0].ID); !errors.As(err, &invalid) {
		t.Errorf("the built-in one: %v", err)
	}
	rows.Fail = errors.New("disk full")
	if _, err := s.Update(ctx, v.ID, 0, func(f *configuration.SecurityFilter) error { f.Name = "lost"; return nil }); !errors.Is(err, rows.Fail) {
		t.Errorf("a store that fails: %v", err)
	}
	if got, err := s.Get(ctx, v.ID); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("after all that: %+v, %v; want %+v", got, err, v)
	}
}

// TestReadersDoNotWaitForAStoreThatBlocks has a change of every sort stand still in
// the table, and one in its edit: what can be read meanwhile is what was there.
func TestReadersDoNotWaitForAStoreThatBlocks(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	s := objects.New(configuration.SecurityFilters, rows, clock())
	before, err := s.Create(ctx, filter("before"))
	if err != nil {
		t.Fatal(err)
	}
	rename := func(f *configuration.SecurityFilter) error { f.Name = "after"; return nil }
	rows.Stalls = make(chan objectstest.Stall)
	for name, change := range map[string]func() error{
		"create": func() error { _, err := s.Create(ctx, filter("new")); return err },
		"update": func() error { _, err := s.Update(ctx, before.ID, 0, rename); return err },
		"delete": func() error { return s.Delete(ctx, before.ID) },
	} {
		rows.Fail = errors.New("refused in the end")
		done := make(chan error)
		go func() { done <- change() }()
		stall := <-rows.Stalls
		if got, err := s.Get(ctx, before.ID); err != nil || !reflect.DeepEqual(got, before) {
			t.Errorf("%s: while it is stored, %+v, %v", name, got, err)
		}
		if all, err := s.List(ctx); err != nil || len(all) != 2 {
			t.Errorf("%s: while it is stored, %d objects, %v", name, len(all), err)
		}
		close(stall.Go)
		if err := <-done; !errors.Is(err, rows.Fail) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := s.Get(ctx, before.ID); err != nil || !reflect.DeepEqual(got, before) {
			t.Errorf("%s: after it failed, %+v, %v", name, got, err)
		}
	}
	_, err = s.Update(ctx, before.ID, 0, func(*configuration.SecurityFilter) error {
		_, err := s.Get(ctx, before.ID)
		return errors.Join(err, errNothing)
	})
	if !errors.Is(err, errNothing) {
		t.Errorf("an edit that reads the store: %v", err)
	}
}

var errNothing = errors.New("nothing was changed")

// TestChangesOfAnObjectComeOneAfterTheOther has many add to the same object, each to
// what was there before; those of another object don't wait for them.
func TestChangesOfAnObjectComeOneAfterTheOther(t *testing.T) {
	const changes = 50
	ctx, rows := t.Context(), &objectstest.Table{}
	s := objects.New(configuration.SecurityFilters, rows, time.Now)
	one, err := s.Create(ctx, filter("x"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range changes {
		all.Go(func() {
			_, err := s.Update(ctx, one.ID, 0, func(f *configuration.SecurityFilter) error { f.Name += "x"; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := s.Get(ctx, one.ID)
	if err != nil || got.Version != 1+changes || got.Body.Name != strings.Repeat("x", 1+changes) {
		t.Errorf("after %d changes: %+v, %v", changes, got, err)
	}
	for i, o := range rows.Rows {
		if o.Version != int64(i+1) {
			t.Errorf("row %d is version %d", i, o.Version)
		}
	}
	rows.Stalls = make(chan objectstest.Stall)
	done := make(chan error)
	edit := func(f *configuration.SecurityFilter) error { f.Name = "y"; return nil }
	go func() { _, err := s.Update(ctx, one.ID, 0, edit); done <- err }()
	stall := <-rows.Stalls
	late, stop := context.WithCancel(ctx)
	stop()
	if _, err := s.Update(late, one.ID, 0, edit); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who does not wait: %v", err)
	}
	go func() { _, err := s.Create(ctx, filter("other")); done <- err }()
	other := <-rows.Stalls
	close(other.Go)
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(stall.Go)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWhatIsForgottenNeverWas: nothing of it is left, here or after a restart, and what else
// there is stays as it is.
func TestWhatIsForgottenNeverWas(t *testing.T) {
	ctx, rows := t.Context(), &objectstest.Table{}
	s := objects.New(configuration.SecurityFilters, rows, clock())
	var ids []string
	for _, name := range []string{"one", "two", "three"} {
		v, err := s.Create(ctx, filter(name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(ctx, v.ID, 0, func(f *configuration.SecurityFilter) error { f.Query = "host:x"; return nil }); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	rows.Fail = errors.New("disk full")
	if err := s.Forget(ctx, ids[0]); !errors.Is(err, rows.Fail) {
		t.Errorf("a table that fails: %v", err)
	}
	rows.Fail = nil
	if _, err := s.Get(ctx, ids[0]); err != nil {
		t.Errorf("it is gone though it could not be erased: %v", err)
	}
	revision := s.Revision()
	if err := s.Forget(ctx, ids[0], ids[2], "nobody"); err != nil || s.Revision() == revision {
		t.Errorf("%v, revision %d", err, s.Revision())
	}
	again := objects.New(configuration.SecurityFilters, rows, clock())
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*objects.Store[configuration.SecurityFilter]{"now": s, "after a restart": again} {
		all, _ := s.List(ctx)
		log, _ := s.Log(ctx)
		if len(all) != 2 || all[1].ID != ids[1] || len(log) != 3 { // with the built-in one
			t.Errorf("%s: %+v, log %+v", name, all, log)
		}
	}
}
