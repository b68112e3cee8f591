package limits

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightjar/api"
	"nightjar/api/access"
)

func callingAs(name string) context.Context {
	return access.With(context.Background(), access.Caller{ID: name})
}

// A gate for 4, 3 of one key: the others wait in a row, and what is too much is
// refused at once, or when its patience is over.
func TestTheGateBoundsQueriesPerKeyAndInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("searches", QueryConfig{Running: 4, PerKey: 3, Waiting: 8, Patience: 5 * time.Second})
		var leaves []func()
		for range 3 {
			leave, err := g.Enter(callingAs("greedy"))
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		var mu sync.Mutex
		outcome := map[string]int{}
		for range 20 {
			go func() {
				began := time.Now()
				_, err := g.Enter(callingAs("greedy"))
				var busy *api.BusyError
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					outcome["ran"]++
				case errors.As(err, &busy) && busy.Full && busy.After == 5*time.Second && strings.Contains(err.Error(), "too many searches"):
					outcome[fmt.Sprintf("refused after %s", time.Since(began))]++
				default:
					outcome[err.Error()]++
				}
			}()
		}
		synctest.Wait()
		// The row is not all one key's, and somebody else runs at once.
		other, err := g.Enter(callingAs("other"))
		if err != nil {
			t.Fatal(err)
		}
		leaves[0]()
		synctest.Wait()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		want := map[string]int{"ran": 1, "refused after 0s": 14, "refused after 5s": 5}
		if fmt.Sprint(outcome) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", outcome, want)
		}
		other()
		if l := g.Load(); l.Running != 3 || l.Waiting != 0 || l.Refused != 19 {
			t.Errorf("got %+v", l)
		}
	})
}

func TestWhoWaitsLeavesTheRowWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("searches", QueryConfig{Running: 1})
		leave, err := g.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, hangUp := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { _, err := g.Enter(ctx); ended <- err }()
		synctest.Wait()
		hangUp()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		leave()
		leave() // twice does no harm
		if l := g.Load(); l.Running != 0 || l.Waiting != 0 || l.Refused != 0 {
			t.Errorf("got %+v", l)
		}
	})
}
