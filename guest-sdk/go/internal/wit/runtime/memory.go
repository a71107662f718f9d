//go:build wasip1

package runtime

import (
	"runtime"
	"unsafe"
)

// Allocate gives memory that stays where it is until the pinner lets it go.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	// No alignment of the Canonical ABI is stricter than that of these words.
	words := unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	pinner.Pin(words)
	return words
}

// received pins what the host wrote: for the collector nothing leads there until the bindings
// have made Go values of it.
var received runtime.Pinner

// Unpin lets go of what the host wrote. The Go values made of it keep it alive.
func Unpin() { received.Unpin() }

// started is set once Go's runtime is: before, there is no heap to allocate from.
var started bool

func init() { started = true }

//go:linkname sbrk runtime.sbrk
func sbrk(size uintptr) unsafe.Pointer

// pauseClock makes the adapter answer Go's collector with the time it said last: within
// realloc a component may not call out, and the collector looks at the clock.
//
//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(paused bool)

// realloc gives the host memory for what it passes: `cabi_realloc` of the Canonical ABI.
//
//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("cabi_realloc: the host asked for another size of the same memory")
	}
	if !started {
		// The adapter's own state, from where the runtime gets its memory too.
		start := sbrk(size + align)
		return unsafe.Add(start, -uintptr(start)&(align-1))
	}
	pauseClock(true)
	defer pauseClock(false)
	return Allocate(&received, size, align)
}
