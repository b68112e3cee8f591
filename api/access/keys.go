package access

import (
	"context"
	"slices"
	"sync"
	"time"

	"nightjar/objects"
	"nightjar/schema"
)

// FirstID is the id of the first key, which is not among the stored ones.
const FirstID = "first"

// firstName is what it is called. No other key is.
const firstName = "first key"

// Stored is a stored key in its present version.
type Stored = objects.Versioned[Key]

// Keys are all keys that let callers in. Its methods may be called from several
// goroutines.
type Keys struct {
	store *objects.Store[Key]
	usage *Usage
	now   func() time.Time
	first string // hash of the first key

	changes sync.Mutex // held while a key is changed
	mu      sync.RWMutex
	byHash  map[string]held
}

// held is what a hash opens.
type held struct {
	caller  Caller
	expires schema.Millis // 0: never
}

// KeysDeps are what Keys are made of.
type KeysDeps struct {
	// First is the first key. It is required.
	First string
	// Store keeps the others, and is loaded.
	Store *objects.Store[Key]
	// Usage notes when keys were used; nil: nobody does.
	Usage *Usage
	Now   func() time.Time
}

// NewKeys makes Keys.
func NewKeys(deps KeysDeps) *Keys {
	k := &Keys{store: deps.Store, usage: deps.Usage, now: deps.Now, first: hashOf(deps.First)}
	k.Refresh()
	return k
}

// Refresh reads anew what the store has, as after it was loaded.
func (k *Keys) Refresh() {
	byHash := map[string]held{}
	for _, v := range k.List() {
		c := Caller{ID: v.ID, Name: v.Body.Name, Role: v.Body.Role, Kind: WithKey, Rate: v.Body.Rate, Agent: v.Body.Agent}
		byHash[v.Body.Hash] = held{caller: c, expires: v.Body.Expires}
		if v.Body.Former != "" {
			byHash[v.Body.Former] = held{caller: c, expires: v.Body.FormerUntil}
		}
	}
	byHash[k.first] = held{caller: Caller{ID: FirstID, Name: firstName, Role: Admin, Kind: WithKey}}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byHash = byHash
}

// Admit is the caller who sent these keys, or a *DeniedError. Of several API keys one
// must be right, since senders put theirs in several places. An application key says
// whose role counts; it lets nobody in by itself.
func (k *Keys) Admit(sent Sent) (Caller, error) {
	if len(sent.Keys) == 0 {
		return Caller{}, &DeniedError{Reason: NoKey}
	}
	c, err := k.any(sent.Keys)
	if err == nil && len(sent.Application) > 0 {
		c, err = k.any(sent.Application)
	}
	if err != nil {
		return c, err
	}
	k.usage.note(c.ID, schema.MillisOf(k.now()))
	return c, nil
}

// any is the caller of the first key that is valid.
func (k *Keys) any(keys []string) (Caller, error) {
	denied := &DeniedError{Reason: WrongKey}
	for _, secret := range keys {
		c, err := k.one(secret)
		if err == nil {
			return c, nil
		}
		if err.Reason == ExpiredKey {
			denied = err
		}
	}
	return denied.Caller, denied
}

// one finds a key by its hash. How long looking it up takes says something of the hash
// at most, and that is of no use: keys are random.
func (k *Keys) one(secret string) (Caller, *DeniedError) {
	k.mu.RLock()
	h, ok := k.byHash[hashOf(secret)]
	k.mu.RUnlock()
	switch {
	case !ok:
		return Caller{}, &DeniedError{Reason: WrongKey}
	case h.expires != 0 && schema.MillisOf(k.now()) >= h.expires:
		return h.caller, &DeniedError{Reason: ExpiredKey, Caller: h.caller}
	}
	return h.caller, nil
}

// In is the moment that is so far ahead.
func (k *Keys) In(d time.Duration) schema.Millis { return schema.MillisOf(k.now().Add(d)) }

// List are the stored keys, in the order in which they were made.
func (k *Keys) List() []Stored {
	all, _ := k.store.List(context.Background()) // from memory: never fails
	return all
}

// LastUsed is when the key was used last, to the minute; 0: never, or not known.
func (k *Keys) LastUsed(id string) schema.Millis { return k.usage.at(id) }

// Create makes a key. The secret is in the answer and nowhere else.
func (k *Keys) Create(ctx context.Context, key Key) (stored Stored, secret string, err error) {
	k.changes.Lock()
	defer k.changes.Unlock()
	if err := k.unused(key.Name, ""); err != nil {
		return Stored{}, "", err
	}
	if key.Expires != 0 && key.Expires <= schema.MillisOf(k.now()) {
		return Stored{}, "", invalid("expires", "it has passed already")
	}
	secret = newSecret()
	key.Hash, key.Hint = hashOf(secret), secret[:hintLength]
	key.CreatedBy, key.Former, key.FormerUntil = Of(ctx).Name, "", 0
	if stored, err = k.store.Create(ctx, key); err != nil {
		return Stored{}, "", err
	}
	k.Refresh()
	return stored, secret, nil
}

// Spend notes that an agent enrols with a key, or refuses it with a *DeniedError where as
// many have as may.
func (k *Keys) Spend(ctx context.Context, id string) error {
	k.changes.Lock()
	defer k.changes.Unlock()
	_, err := k.store.Update(ctx, id, 0, func(key *Key) error {
		if key.Uses > 0 && key.Used >= key.Uses {
			return &DeniedError{Reason: UsedUp, Caller: Caller{ID: id, Name: key.Name, Role: key.Role}}
		}
		key.Used++
		return nil
	})
	return err
}

// unused refuses the name of another key: who reads the audit log must know which one
// is meant.
func (k *Keys) unused(name, except string) error {
	if name == firstName {
		return invalid("name", "this is what the first key is called, in the audit log too")
	}
	if slices.ContainsFunc(k.List(), func(v Stored) bool { return v.Body.Name == name && v.ID != except }) {
		return invalid("name", "another key has this name; revoke that, or rotate it")
	}
	return nil
}

// maxGrace is how long a key may be good beside the one that replaced it.
const maxGrace = 30 * 24 * time.Hour

// Rotate replaces a key's secret. The former one is good for the time given, so that
// those who have it can be given the new one; 0: it ends at once. A key that has
// expired begins anew with the time that it was made for.
func (k *Keys) Rotate(ctx context.Context, id string, grace time.Duration) (stored Stored, secret string, err error) {
	if grace < 0 || grace > maxGrace {
		return Stored{}, "", invalid("grace", "want 0 to 30 days")
	}
	k.changes.Lock()
	defer k.changes.Unlock()
	before, err := k.get(ctx, id)
	if err != nil {
		return Stored{}, "", err
	}
	now := schema.MillisOf(k.now())
	secret = newSecret()
	stored, err = k.store.Update(ctx, id, 0, func(key *Key) error {
		key.Former, key.FormerUntil = "", 0
		if grace > 0 {
			key.Former, key.FormerUntil = key.Hash, now+schema.Millis(grace.Milliseconds())
			if key.Expires != 0 {
				key.FormerUntil = min(key.FormerUntil, key.Expires)
			}
		}
		if key.Expires != 0 && key.Expires <= now {
			key.Expires = now + key.Expires - before.UpdatedAt
		}
		key.Hash, key.Hint = hashOf(secret), secret[:hintLength]
		return nil
	})
	if err != nil {
		return Stored{}, "", err
	}
	k.Refresh()
	return stored, secret, nil
}

// get is a stored key; the first one is told of in words.
func (k *Keys) get(ctx context.Context, id string) (Stored, error) {
	if id == FirstID {
		return Stored{}, invalid("id", "the first key is not kept here: stop the engine and run nightjar keys reset, or change --api-key")
	}
	return k.store.Get(ctx, id)
}

// Revoke ends a key at once.
func (k *Keys) Revoke(ctx context.Context, id string) (Stored, error) {
	k.changes.Lock()
	defer k.changes.Unlock()
	v, err := k.get(ctx, id)
	if err != nil {
		return v, err
	}
	if err := k.store.Delete(ctx, id); err != nil {
		return v, err
	}
	k.Refresh()
	return v, nil
}

func invalid(target, message string) error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: target, Message: message}}}
}
