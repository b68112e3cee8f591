package responses

import (
	"context"
	"slices"
	"strings"

	"nightjar/objects"
	"nightjar/schema"
)

// rulings are, by agent, what says whether it is isolated: the last isolation or release of
// its own or that holds for it too, and that took effect or may yet.
func (b *Book) rulings() map[string]Versioned {
	out := map[string]Versioned{}
	for _, v := range b.live.all() {
		if !v.Body.rules() {
			continue
		}
		out[v.Body.Agent] = v
		for _, agent := range v.Body.Also {
			out[agent] = v
		}
	}
	return out
}

// earlier are the agents of a host that are isolated, but for one and for those beside it.
func (b *Book) earlier(agent, host string, beside []string) (out []string) {
	for other, on := range b.Isolated() {
		if on == host && other != agent && !slices.Contains(beside, other) {
			out = append(out, other)
		}
	}
	slices.Sort(out)
	return out
}

// anew begins the reason of an isolation that goes on.
const anew = "the host enrolled anew: "

// isolateAnew has the isolation of a host go on with the agent that it enrols now, by a
// response of its own: one that took effect as a state, one that waits until its deadline.
// What the new agent answers changes nothing of the earlier ones', for its name may be false.
func (b *Book) isolateAnew(ctx context.Context, agent, host string) error {
	b.hosts.Lock()
	defer b.hosts.Unlock()
	var last *Versioned
	for _, v := range b.rulings() {
		if v.Body.Action == Isolate && v.Body.Host == host && (last == nil || byAge(v, *last) > 0) {
			last = &v
		}
	}
	if last == nil {
		return nil
	}
	was := &last.Body
	r := Response{Action: Isolate, Agent: agent, Host: host, By: was.By, Reason: anew + strings.TrimPrefix(was.Reason, anew), Deadline: was.Deadline, State: was.State}
	r.Reason = strings.ToValidUTF8(r.Reason[:min(len(r.Reason), MaxReason)], "")
	if r.State != Waiting {
		r.Ended = schema.MillisOf(b.deps.Now())
	}
	_, err := b.kept.Write(ctx, objects.Ref{}, func(next *Versioned) error {
		next.Body = r
		return b.deps.Note(next.ID, &next.Body)
	})
	if err == nil {
		b.wake()
	}
	return err
}
