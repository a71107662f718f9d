//! The one wasmtime engine, and the sizes it is built for.

use std::path::Path;

use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, Memory, MemoryType,
    PoolingAllocationConfig, Store, WasmBacktraceDetails,
};
use waystation_core::Limits;

use crate::SandboxError;

/// Core instances of one component. Language runtimes are linked from dozens of modules.
pub(crate) const INSTANCES_PER_COMPONENT_MAX: u32 = 64;

/// Memories of one component.
pub(crate) const MEMORIES_PER_COMPONENT_MAX: u32 = 8;

/// Tables of one component.
pub(crate) const TABLES_PER_COMPONENT_MAX: u32 = 64;

/// Elements of one table: language runtimes have one for each function.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Host-side bookkeeping of one instance, in bytes.
const INSTANCE_BYTES_MAX: usize = 8 << 20;

/// What the memory of a finished instance may keep of real memory for the next, in bytes.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// What compiled components may take on disk before old ones are removed, in bytes.
const COMPILED_BYTES_MAX: u64 = 4 << 30;

/// Builds the engine. Compiled code is kept in `compiled`, which is there already.
pub(crate) fn build(compiled: &Path, limits: &Limits) -> Result<Engine, SandboxError> {
    let engine_error = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
    let mut config = base_config();
    let mut cache = CacheConfig::new();
    cache.with_directory(compiled).with_files_total_size_soft_limit(COMPILED_BYTES_MAX);
    config.cache(Some(Cache::new(cache).map_err(engine_error)?));

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
        .total_core_instances(all(INSTANCES_PER_COMPONENT_MAX))
        .total_memories(all(MEMORIES_PER_COMPONENT_MAX))
        .total_tables(all(TABLES_PER_COMPONENT_MAX))
        .max_core_instances_per_component(INSTANCES_PER_COMPONENT_MAX)
        .max_memories_per_component(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_component(TABLES_PER_COMPONENT_MAX)
        .max_memories_per_module(MEMORIES_PER_COMPONENT_MAX)
        .max_tables_per_module(TABLES_PER_COMPONENT_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
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
