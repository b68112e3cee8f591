// Package agent monitors a host through eBPF, evaluates SECL rules on what it sees,
// and hands what matches to a Sink.
//
// It never waits for the Sink while reading the kernel's ring: what is dropped is
// counted, and told with the matches. Start at Run. The rooms below it: bpf (the
// programs and their records), probe (what loads, what is filtered in the kernel,
// what is counted), process (who is who), decode (records to events), abi (numbers
// of system calls).
//
// Of every type of events, generated = filtered + delivered + lost, and generated is what
// the workload says (TestNothingIsUnaccountedWhenTheReaderStops). The kernel filters no
// event that a rule matches (TestWhatARuleAsksForIsFoundAndTheRestStaysInTheKernel). While
// policies are replaced, every event is evaluated once
// (TestWhilePoliciesAreReplacedEveryEventIsEvaluatedOnce). Its
// README says how a type of events is added.
package agent
