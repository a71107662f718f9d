//! The engines of wasmtime: one that runs and can't compile, one that compiles; and the sizes
//! they are built for.

use std::path::Path;

use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, Memory, MemoryType,
    PoolingAllocationConfig, Store, WasmBacktraceDetails,
};
use waystation_core::Limits;

use crate::SandboxError;

/// Host-side bookkeeping of one instance, in bytes.
const INSTANCE_BYTES_MAX: usize = 8 << 20;

/// What the memory of a finished instance may keep of real memory for the next, in bytes.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// Machine code of all components on disk, in bytes: past it, what was not used for longest is
/// removed. A child that compiles has a folder of its own, and never reaches it.
pub(crate) const COMPILED_BYTES_MAX: u64 = 4 << 30;

/// Stack of a guest's that is left for the host's functions that it calls, in bytes.
const HOST_STACK_BYTES: usize = 3 << 19;

/// The engine that runs steps. Machine code is in `compiled`, which is there already. It has no
/// compiler: whatever happens, nothing is compiled in the process that runs it.
pub(crate) fn for_runs(compiled: &Path, limits: &Limits) -> Result<Engine, SandboxError> {
    let engine_error = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
    let mut config = base_config();
    let stack = (limits.stack_kib as usize) << 10;
    config
        .enable_compiler(false)
        .max_wasm_stack(stack)
        .async_stack_size(stack + HOST_STACK_BYTES)
        .cache(Some(cache(compiled).map_err(engine_error)?));

    if address_space_is_large() {
        let mut pooled = config.clone();
        pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
        match Engine::new(&pooled) {
            Ok(engine) => return Ok(engine),
            Err(error) => tracing::warn!(%error, "no room for a pool of instances"),
        }
    }
    tracing::warn!("the address space is small: instances are allocated on demand, more slowly");
    Engine::new(&config).map_err(engine_error)
}

/// The engine that compiles, for one component and one folder. It makes the same machine code
/// as the other one wants: what decides on that is in [`base_config`].
pub(crate) fn for_compiling(into: &Path) -> wasmtime::Result<Engine> {
    let mut config = base_config();
    config.cache(Some(cache(into)?));
    Engine::new(&config)
}

fn cache(folder: &Path) -> wasmtime::Result<Cache> {
    let mut cache = CacheConfig::new();
    cache.with_directory(folder).with_files_total_size_soft_limit(COMPILED_BYTES_MAX);
    Cache::new(cache)
}

fn base_config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // A component is compiled on one core; the others belong to the runs.
        .parallel_compilation(false)
        // What one guest left on its stack is not for the next.
        .async_stack_zeroing(true)
        // One `memory.copy` of a 64-bit memory could run for minutes without a check.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        // Details would be read from debug data that the guest wrote.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .concurrency_support(false);
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let runs = u32::try_from(limits.runs_max).unwrap_or(u32::MAX);
    let all = |each: u32| runs.saturating_mul(each);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs)
        .total_stacks(runs)
        .total_core_instances(all(Limits::INSTANCES_PER_COMPONENT_MAX))
        .total_memories(all(Limits::MEMORIES_PER_COMPONENT_MAX))
        .total_tables(all(Limits::TABLES_PER_COMPONENT_MAX))
        .max_core_instances_per_component(Limits::INSTANCES_PER_COMPONENT_MAX)
        .max_memories_per_component(Limits::MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_component(Limits::TABLES_PER_COMPONENT_MAX)
        .max_memories_per_module(Limits::MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_module(Limits::TABLES_PER_COMPONENT_MAX)
        .table_elements(Limits::TABLE_ELEMENTS_MAX)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_memory_size((limits.memory_mib_max as usize) << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES);
    pool
}

/// Can a pool's memories be reserved? A pool wants many times 4 GiB of addresses, which some
/// machines and containers do not give.
fn address_space_is_large() -> bool {
    const BITS: u32 = 42;
    const PAGE_BITS: u32 = 16;
    let reserve = || -> wasmtime::Result<()> {
        let mut config = Config::new();
        config.wasm_memory64(true).memory_reservation(1 << BITS);
        let engine = Engine::new(&config)?;
        let mut store = Store::new(&engine, ());
        Memory::new(&mut store, MemoryType::new64(0, Some(1 << (BITS - PAGE_BITS))))?;
        Ok(())
    };
    reserve().is_ok()
}
