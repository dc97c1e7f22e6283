DROP PUBLICATION generated;
ALTER TABLE hall.computed ALTER twice SET EXPRESSION AS (a * 3);
ALTER TABLE hall.named_not_null VALIDATE CONSTRAINT b_later, ALTER CONSTRAINT named_not_null_c_not_null INHERIT;
ALTER TABLE hall.unenforced ALTER CONSTRAINT unenforced_b_fkey ENFORCED;
ALTER TABLE hall.period_use DROP CONSTRAINT period_use_id_valid_fkey;
