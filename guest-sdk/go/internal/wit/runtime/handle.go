// Package runtime has what the generated bindings do with handles and memory.
package runtime

// Handle names a resource of the host. Zero is none: it was dropped or given away.
type Handle struct {
	number int32
}

// MakeHandle is a handle with that number.
func MakeHandle(number int32) *Handle { return &Handle{number} }

// Use is the number, for a call that leaves the handle here.
func (h *Handle) Use() int32 {
	if h.number == 0 {
		panic("the resource was dropped or given away")
	}
	return h.number
}

// Take is the number, for a call that takes the handle.
func (h *Handle) Take() int32 {
	number := h.Use()
	h.number = 0
	return number
}

// TakeOrNil is the number, or zero when it was taken before.
func (h *Handle) TakeOrNil() int32 {
	number := h.number
	h.number = 0
	return number
}

// Set makes it the handle with that number.
func (h *Handle) Set(number int32) { h.number = number }
