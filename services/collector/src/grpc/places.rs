//! The places of those who watch: bounded for the process, and shared so that no tenant has them all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tributary_model::TenantId;

use crate::error::ReadError;

/// Places for watchers; clones are the same ones.
#[derive(Clone)]
pub(crate) struct Places {
    most: usize,
    /// Of them for one tenant.
    share: usize,
    /// By tenant; without those that have none.
    taken: Arc<Mutex<HashMap<TenantId, usize>>>,
}

impl Places {
    /// `most` in all. One tenant has at most half of them, unless it is the only one: watchers stay for as long as they like,
    /// and nobody else could watch, or take up a watch that a stopping process ended.
    pub(crate) fn new(most: usize, tenants: usize) -> Self {
        let share = if tenants > 1 { most.div_ceil(2) } else { most };
        Self { most, share, taken: Arc::default() }
    }

    /// A place, until it is dropped.
    pub(super) fn take(&self, tenant: &TenantId) -> Result<Place, ReadError> {
        let mut taken = self.taken();
        if taken.values().sum::<usize>() >= self.most {
            return Err(ReadError::Watchers { whose: "this process", most: self.most });
        }
        let of_tenant = taken.entry(tenant.clone()).or_default();
        if *of_tenant >= self.share {
            return Err(ReadError::Watchers { whose: "the tenant at this process", most: self.share });
        }
        *of_tenant += 1;
        Ok(Place { places: self.clone(), tenant: tenant.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One watcher's place.
pub(super) struct Place {
    places: Places,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(of_tenant) = taken.get_mut(&self.tenant) {
            *of_tenant -= 1;
            if *of_tenant == 0 {
                taken.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(places: &Places, tenant: &str, wanted: usize) -> Vec<Place> {
        let tenant = TenantId::new(tenant).unwrap();
        (0..wanted).filter_map(|_| places.take(&tenant).ok()).collect()
    }

    #[test]
    fn a_tenant_has_half_of_the_places_and_gives_back_what_it_had() {
        let places = Places::new(5, 2);
        let demo = taken(&places, "demo", 9);
        let other = taken(&places, "other", 9);
        assert_eq!((demo.len(), other.len()), (3, 2));
        drop(demo);
        let more = taken(&places, "other", 9);
        assert_eq!(other.len() + more.len(), 3);
        drop((other, more));
        assert!(places.taken().is_empty(), "who has none is not kept");
    }

    #[test]
    fn a_tenant_alone_may_have_them_all_and_one_place_is_for_anybody() {
        assert_eq!(taken(&Places::new(5, 1), "demo", 9).len(), 5);
        assert_eq!(taken(&Places::new(1, 7), "demo", 9).len(), 1);
        assert!(taken(&Places::new(0, 1), "demo", 9).is_empty());
    }
}
