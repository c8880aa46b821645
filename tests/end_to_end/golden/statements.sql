-- publisher/: cleanroom-ml connection test
SELECT CURRENT_ORGANIZATION_NAME() AS ORGANIZATION, CURRENT_ACCOUNT_NAME() AS ACCOUNT, CURRENT_USER() AS USER_NAME, CURRENT_ROLE() AS ROLE, CURRENT_SECONDARY_ROLES() AS SECONDARY_ROLES, CURRENT_WAREHOUSE() AS WAREHOUSE, CURRENT_VERSION() AS VERSION;
SHOW DATABASES LIKE 'SAMOOHA_BY_SNOWFLAKE_LOCAL_DB';
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTRIES();

-- publisher/: cleanroom-ml load rows.csv --as ML_DB.PUBLIC.GOLDEN
CREATE TEMPORARY STAGE "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>";
SHOW TABLES IN SCHEMA "ML_DB"."PUBLIC";
PUT 'file:///<SCRATCH>/part_0.csv' '@"ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>"' AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
CREATE TEMPORARY FILE FORMAT "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>_FORMAT" TYPE = CSV PARSE_HEADER = TRUE FIELD_OPTIONALLY_ENCLOSED_BY = '"' FIELD_DELIMITER = ',';
SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@"ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>"', FILE_FORMAT => '"ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>_FORMAT"')) ORDER BY ORDER_ID;
CREATE TEMPORARY TABLE "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>" ("ID" NUMBER(38, 0), "NAME" TEXT);
COPY INTO "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>" FROM '@"ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>"' FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '"' FIELD_DELIMITER = ',');
SELECT COUNT(*) FROM "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>";
CREATE TABLE "ML_DB"."PUBLIC"."GOLDEN" COMMENT = 'cleanroom-ml load sha256:44865a71bee9efcde310ee8b9de3e41af8fefb63ffe5a7d15cba8a1c48fda28f rows:2' AS SELECT * FROM "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>";
DROP TABLE "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>";
DROP STAGE "ML_DB"."PUBLIC"."CLEANROOM_ML_LOAD_<ID>";
DESCRIBE TABLE "ML_DB"."PUBLIC"."GOLDEN";

-- publisher/: cleanroom-ml sql SELECT/**/COUNT(*)/**/FROM/**/ML_DB.PUBLIC.GOLDEN
SELECT/**/COUNT(*)/**/FROM/**/ML_DB.PUBLIC.GOLDEN;

-- publisher/: cleanroom-ml collaboration create
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.INITIALIZE($$api_version: 2.0.0
spec_type: collaboration
name: golden
description: A retail media network finds the households that will respond to an advertiser's coupons.
owner: publisher
collaborator_identifier_aliases:
  publisher: LOCAL.PUBLISHER
  advertiser: LOCAL.ADVERTISER
analysis_runners:
  advertiser:
    data_providers:
      publisher:
        data_offerings: []
      advertiser:
        data_offerings: []
    activation_destinations:
      snowflake_collaborators:
        - publisher
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.JOIN('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');

-- publisher/: cleanroom-ml offering register
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_DATA_OFFERING($$api_version: 2.0.0
spec_type: data_offering
name: features
version: golden1
description: A grocery retailer's baskets and products. Households are hashed.
datasets:
  - alias: transactions
    data_object_fqn: ML_DB.PUBLIC.TRANSACTIONS
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
      hashed_email:
        category: join_standard
        column_type: hashed_email_sha256
        activation_allowed: true
      transaction_timestamp:
        category: timestamp
      product_id:
        category: join_custom
      basket_id:
        category: passthrough
      week:
        category: passthrough
      quantity:
        category: passthrough
      sales_value:
        category: passthrough
      retail_disc:
        category: passthrough
      coupon_disc:
        category: passthrough
      coupon_match_disc:
        category: passthrough
  - alias: products
    data_object_fqn: ML_DB.PUBLIC.PRODUCTS
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
      product_id:
        category: join_custom
      department:
        category: passthrough
      product_category:
        category: passthrough
$$);

-- publisher/: cleanroom-ml offering link
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LINK_DATA_OFFERING('golden', 'features_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');

-- publisher/: cleanroom-ml stage
CREATE STAGE IF NOT EXISTS ML_DB.PUBLIC.ML_STAGE DIRECTORY = (ENABLE = TRUE) ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE');
LIST '@ML_DB.PUBLIC.ML_STAGE/golden';
PUT 'file://<PROJECT>/publisher/code/features.py' '@ML_DB.PUBLIC.ML_STAGE/golden' AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
PUT 'file://<PROJECT>/publisher/code/score.py' '@ML_DB.PUBLIC.ML_STAGE/golden' AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
PUT 'file://<PROJECT>/publisher/code/train.py' '@ML_DB.PUBLIC.ML_STAGE/golden' AUTO_COMPRESS=FALSE OVERWRITE=TRUE;
ALTER STAGE ML_DB.PUBLIC.ML_STAGE REFRESH;
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();

-- publisher/: cleanroom-ml spec register
LIST '@ML_DB.PUBLIC.ML_STAGE/golden';
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_CODE_SPEC($$api_version: 2.0.0
spec_type: code_spec
name: lookalike_code
version: golden1
description: Train a coupon-response model on a retailer's baskets and score its households.
ml_jobs:
  - name: train
    entrypoint: train.py
    stage_code_dir: '@ML_DB.PUBLIC.ML_STAGE/golden'
    description: Out-of-fold metrics, the model and the seed list stay in the room.
    allow_monitoring: true
    pip_requirements:
      - pandas
      - scikit-learn
      - xgboost-cpu>=3
  - name: score
    entrypoint: score.py
    stage_code_dir: '@ML_DB.PUBLIC.ML_STAGE/golden'
    description: Scores every household with the stored model.
    allow_monitoring: true
    pip_requirements:
      - pandas
      - xgboost-cpu>=3
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');

-- publisher/: cleanroom-ml spec list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();

-- publisher/: cleanroom-ml spec show lookalike_code_golden1
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');

-- publisher/: cleanroom-ml spec diff
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');

-- publisher/: cleanroom-ml template register
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE($$api_version: 2.0.0
spec_type: template
name: train
version: golden1
type: sql_analysis
description: Train the coupon-response model.
methodology: >-
  Features from the first half-year, label from the second. Five-fold out-of-fold AUC and the share of redeemers among
  the best-scored 20 % come back; the model and the list of redeemers stay in the room.
parameters:
  - name: compute_pool
    description: The runner's compute pool.
    type: string
    required: true
  - name: num_instances
    description: Nodes of the pool.
    type: integer
    default: 1
  - name: warehouse
    description: The warehouse of the job's SQL.
    type: string
    default: COMPUTE_WH
  - name: shuffle_labels
    description: Train on shuffled labels; an AUC near 0.5 shows that nothing leaks.
    type: boolean
    default: false
code_specs:
  - lookalike_code_golden1
template: |
  call cleanroom.lookalike_code$train(
    {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default('COMPUTE_WH') }},
    OBJECT_CONSTRUCT(
      'transactions', {{ source_table[0] }},
      'products', {{ source_table[1] }},
      'redeemers', {{ source_table[2] }},
      'shuffle_labels', {{ shuffle_labels | default(false) }}
    )::VARCHAR
  )
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE($$api_version: 2.0.0
spec_type: template
name: score
version: golden1
type: sql_analysis
description: Score every household with the model that `train` left in the room.
parameters:
  - name: compute_pool
    description: The runner's compute pool.
    type: string
    required: true
  - name: num_instances
    description: Nodes of the pool.
    type: integer
    default: 1
  - name: warehouse
    description: The warehouse of the job's SQL.
    type: string
    default: COMPUTE_WH
code_specs:
  - lookalike_code_golden1
template: |
  call cleanroom.lookalike_code$score(
    {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default('COMPUTE_WH') }},
    OBJECT_CONSTRUCT('transactions', {{ source_table[0] }}, 'products', {{ source_table[1] }})::VARCHAR
  )
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE($$api_version: 2.0.0
spec_type: template
name: activate
version: golden1
type: sql_activation
description: The best-scored households that have not redeemed a coupon yet.
parameters:
  - name: audience_size
    description: How many households to send at the most.
    type: integer
    default: 400
template: |
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_lookalike AS
      SELECT hashed_email_sha256, score
      FROM cleanroom.lookalike_scores
      WHERE NOT already_redeemed AND audience_rank <= {{ audience_size | default(400) }};
    RETURN 'lookalike';
  END;
$$);

-- publisher/: cleanroom-ml template submit
LIST '@ML_DB.PUBLIC.ML_STAGE/golden';
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST('golden', 'train_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST('golden', 'score_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST('golden', 'activate_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml roles
SHOW ROLES;

-- advertiser/: cleanroom-ml roles --privileges
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.CHECK_PRIVILEGES(['CREATE COLLABORATION', 'JOIN COLLABORATION', 'REVIEW COLLABORATION', 'VIEW COLLABORATIONS', 'REGISTER DATA OFFERING', 'REGISTER TEMPLATE', 'REGISTER CODE SPEC', 'CREATE REGISTRY', 'VIEW REGISTRIES', 'VIEW REGISTERED DATA OFFERINGS', 'VIEW REGISTERED TEMPLATES', 'VIEW REGISTERED CODE SPECS', 'VIEW DCR STATUS']);

-- advertiser/: cleanroom-ml collaboration list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();

-- advertiser/: cleanroom-ml collaboration review
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REVIEW('golden', 'LOCAL.PUBLISHER');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');

-- advertiser/: cleanroom-ml collaboration join
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REVIEW('golden', 'LOCAL.PUBLISHER');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.JOIN('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');

-- advertiser/: cleanroom-ml grant RUN --to SYSADMIN
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE('RUN', 'COLLABORATION', 'golden', 'SYSADMIN');

-- advertiser/: cleanroom-ml grant join-collaboration --to SYSADMIN
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE('JOIN COLLABORATION', 'SYSADMIN');

-- advertiser/: cleanroom-ml revoke RUN --from SYSADMIN
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE('RUN', 'COLLABORATION', 'golden', 'SYSADMIN');

-- advertiser/: cleanroom-ml revoke join-collaboration --from SYSADMIN
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE('JOIN COLLABORATION', 'SYSADMIN');

-- advertiser/: cleanroom-ml collaboration status
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');

-- advertiser/: cleanroom-ml collaboration show
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();

-- advertiser/: cleanroom-ml collaboration config
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_CONFIGURATION('golden');

-- advertiser/: cleanroom-ml offering link
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_DATA_OFFERING($$api_version: 2.0.0
spec_type: data_offering
name: seed
version: golden1
description: Hashed ids of the households that redeemed one of our coupons from July on.
datasets:
  - alias: redeemers
    data_object_fqn: CRM_DB.PUBLIC.REDEEMERS
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
      hashed_email:
        category: join_standard
        column_type: hashed_email_sha256
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LINK_DATA_OFFERING('golden', 'seed_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');

-- advertiser/: cleanroom-ml offering list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');

-- advertiser/: cleanroom-ml requests
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml requests list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml review train --reviewed reviewed_code/
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL CLEANROOM_ML.APPROVALS.DESCRIBE_REQUEST('golden', 'request_<ID>');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');

-- advertiser/: cleanroom-ml approve train --yes --reviewed reviewed_code/
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL CLEANROOM_ML.APPROVALS.DESCRIBE_REQUEST('golden', 'request_<ID>');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.APPROVE_UPDATE_REQUEST('golden', 'request_<ID>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml approve score --yes --reviewed reviewed_code/
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL CLEANROOM_ML.APPROVALS.DESCRIBE_REQUEST('golden', 'request_<ID>');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.APPROVE_UPDATE_REQUEST('golden', 'request_<ID>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml approve activate --yes --expect-digest sha256:<DIGEST>
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL CLEANROOM_ML.APPROVALS.DESCRIBE_REQUEST('golden', 'request_<ID>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.APPROVE_UPDATE_REQUEST('golden', 'request_<ID>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml pool create
SHOW COMPUTE POOLS;
CREATE COMPUTE POOL GOLDEN_POOL FOR APPLICATION SFDCR_golden MIN_NODES = 1 MAX_NODES = 1 INSTANCE_FAMILY = CPU_X64_S AUTO_RESUME = TRUE;
GRANT USAGE ON COMPUTE POOL GOLDEN_POOL TO APPLICATION SFDCR_golden;
GRANT USAGE ON WAREHOUSE COMPUTE_WH TO APPLICATION SFDCR_golden;
SHOW COMPUTE POOLS;
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');

-- advertiser/: cleanroom-ml pool list
SHOW COMPUTE POOLS;

-- advertiser/: cleanroom-ml pool show GOLDEN_POOL
SHOW COMPUTE POOLS;

-- advertiser/: cleanroom-ml pool suspend GOLDEN_POOL
SHOW COMPUTE POOLS;
ALTER COMPUTE POOL GOLDEN_POOL SUSPEND;
SHOW COMPUTE POOLS;

-- advertiser/: cleanroom-ml pool resume GOLDEN_POOL
SHOW COMPUTE POOLS;
ALTER COMPUTE POOL GOLDEN_POOL RESUME;
SHOW COMPUTE POOLS;

-- advertiser/: cleanroom-ml template list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES('golden');

-- advertiser/: cleanroom-ml template show train_golden1
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES('golden');

-- advertiser/: cleanroom-ml code list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_CODE_SPECS('golden');

-- advertiser/: cleanroom-ml code show lookalike_code_golden1
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_CODE_SPECS('golden');

-- advertiser/: cleanroom-ml run score
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN('golden', $$api_version: 2.0.0
spec_type: analysis
template: score_golden1
template_configuration:
  view_mappings:
    source_tables:
      - publisher.features_golden1.transactions
      - publisher.features_golden1.products
  arguments:
    compute_pool: GOLDEN_POOL
    warehouse: COMPUTE_WH
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_CODE_SPECS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN_ML_JOB_ACTION('golden', $$api_version: 2.0.0
spec_type: ml_job_action
job_id: MLJOB_<ID>
action: get_logs
$$);

-- advertiser/: cleanroom-ml status <JOB> --wait
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.STATUS('golden', 'MLJOB_<ID>');

-- advertiser/: cleanroom-ml status <JOB>
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.STATUS('golden', 'MLJOB_<ID>');

-- advertiser/: cleanroom-ml status <JOB> --watch
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.STATUS('golden', 'MLJOB_<ID>');
CALL CLEANROOM_ML.JOBS.EVENTS('golden', 'MLJOB_<ID>', 0);
CALL CLEANROOM_ML.JOBS.LOGS('golden', 'MLJOB_<ID>', 0);
CALL CLEANROOM_ML.JOBS.USAGE('golden', 'MLJOB_<ID>');

-- advertiser/: cleanroom-ml logs <JOB>
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.LOGS('golden', 'MLJOB_<ID>', 0);

-- advertiser/: cleanroom-ml logs <JOB> --events
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.EVENTS('golden', 'MLJOB_<ID>', 0);

-- advertiser/: cleanroom-ml result <JOB>
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN_ML_JOB_ACTION('golden', $$api_version: 2.0.0
spec_type: ml_job_action
job_id: MLJOB_<ID>
action: get_result
$$);

-- advertiser/: cleanroom-ml report <JOB>
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.STATUS('golden', 'MLJOB_<ID>');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL CLEANROOM_ML.APPROVALS.DESCRIBE_REQUEST('golden', 'request_<ID>');
CALL CLEANROOM_ML.JOBS.USAGE('golden', 'MLJOB_<ID>');
CALL CLEANROOM_ML.JOBS.EVENTS('golden', 'MLJOB_<ID>', 0);
CALL CLEANROOM_ML.JOBS.LOGS('golden', 'MLJOB_<ID>', 0);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN_ML_JOB_ACTION('golden', $$api_version: 2.0.0
spec_type: ml_job_action
job_id: MLJOB_<ID>
action: get_result
$$);

-- advertiser/: cleanroom-ml cancel <JOB>
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.STATUS('golden', 'MLJOB_<ID>');
CALL CLEANROOM_ML.JOBS.CANCEL('golden', 'MLJOB_<ID>');
CALL CLEANROOM_ML.JOBS.STATUS('golden', 'MLJOB_<ID>');

-- advertiser/: cleanroom-ml jobs
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.LIST('golden', 20);

-- advertiser/: cleanroom-ml history
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVITY_HISTORY('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.JOBS.LIST('golden', 50);

-- advertiser/: cleanroom-ml activate --yes
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN('golden', $$api_version: 2.0.0
spec_type: analysis
template: activate_golden1
template_configuration:
  activation:
    snowflake_collaborator: publisher
    segment_name: lookalike_q3
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');

-- publisher/: cleanroom-ml activation list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');

-- publisher/: cleanroom-ml activation process --segment lookalike_q3
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.PROCESS_ACTIVATION('golden', 'lookalike_q3');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');

-- publisher/: cleanroom-ml activation process
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');

-- publisher/: cleanroom-ml activation export --segment lookalike_q3 --output audience.csv
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_ACTIVATIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.PROCESS_ACTIVATION('golden', ['<BATCH>']);
SELECT RECORDS FROM golden.activation.segment_records WHERE BATCH_ID = '<BATCH>';

-- publisher/: cleanroom-ml collaboration config ALLOW_ML_JOBS_MONITORING false
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.SET_CONFIGURATION('golden', 'ALLOW_ML_JOBS_MONITORING', 'false');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_CONFIGURATION('golden');

-- publisher/: cleanroom-ml template submit train.yaml
LIST '@ML_DB.PUBLIC.ML_STAGE/golden';
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE($$api_version: 2.0.0
spec_type: template
name: train
version: unwanted1
type: sql_analysis
description: Train the coupon-response model.
methodology: >-
  Features from the first half-year, label from the second. Five-fold out-of-fold AUC and the share of redeemers among
  the best-scored 20 % come back; the model and the list of redeemers stay in the room.
parameters:
  - name: compute_pool
    description: The runner's compute pool.
    type: string
    required: true
  - name: num_instances
    description: Nodes of the pool.
    type: integer
    default: 1
  - name: warehouse
    description: The warehouse of the job's SQL.
    type: string
    default: COMPUTE_WH
  - name: shuffle_labels
    description: Train on shuffled labels; an AUC near 0.5 shows that nothing leaks.
    type: boolean
    default: false
code_specs:
  - lookalike_code_golden1
template: |
  call cleanroom.lookalike_code$train(
    {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default('COMPUTE_WH') }},
    OBJECT_CONSTRUCT(
      'transactions', {{ source_table[0] }},
      'products', {{ source_table[1] }},
      'redeemers', {{ source_table[2] }},
      'shuffle_labels', {{ shuffle_labels | default(false) }}
    )::VARCHAR
  )
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST('golden', 'train_unwanted1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml reject train_unwanted1 --yes --reason no
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REJECT_UPDATE_REQUEST('golden', 'request_<ID>', 'no');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- advertiser/: cleanroom-ml pool drop GOLDEN_POOL --yes
DROP COMPUTE POOL GOLDEN_POOL;

-- publisher/: cleanroom-ml template submit score.yaml
LIST '@ML_DB.PUBLIC.ML_STAGE/golden';
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_CODE_SPECS();
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, '<IMAGE>');
CALL CLEANROOM_ML.CODE_SPECS.DESCRIBE('lookalike_code_golden1');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE($$api_version: 2.0.0
spec_type: template
name: score
version: unused1
type: sql_analysis
description: Score every household with the model that `train` left in the room.
parameters:
  - name: compute_pool
    description: The runner's compute pool.
    type: string
    required: true
  - name: num_instances
    description: Nodes of the pool.
    type: integer
    default: 1
  - name: warehouse
    description: The warehouse of the job's SQL.
    type: string
    default: COMPUTE_WH
code_specs:
  - lookalike_code_golden1
template: |
  call cleanroom.lookalike_code$score(
    {{ compute_pool }}, {{ num_instances | default(1) }}, {{ warehouse | default('COMPUTE_WH') }},
    OBJECT_CONSTRUCT('transactions', {{ source_table[0] }}, 'products', {{ source_table[1] }})::VARCHAR
  )
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST('golden', 'score_unused1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- publisher/: cleanroom-ml requests withdraw score_unused1 --yes
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REJECT_UPDATE_REQUEST('golden', 'request_<ID>', 'withdrawn');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');

-- publisher/: cleanroom-ml template remove score_unused1
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.UNREGISTER_TEMPLATE('score_unused1');

-- publisher/: cleanroom-ml template remove train_golden1 --from-collaboration --yes
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REMOVE_TEMPLATE('golden', 'train_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES('golden');

-- advertiser/: cleanroom-ml offering unlink seed_golden1
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
SHOW PROCEDURES IN DATABASE CLEANROOM_ML;
CALL CLEANROOM_ML.APPROVALS.VIEW_DECISIONS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.UNLINK_DATA_OFFERING('golden', 'seed_golden1', ['advertiser']);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS('golden');

-- advertiser/: cleanroom-ml offering unregister seed_golden1
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.UNREGISTER_DATA_OFFERING('seed_golden1');

-- publisher/: cleanroom-ml registry create GOLDEN_REGISTRY --type template
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTRIES();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.CREATE_REGISTRY('GOLDEN_REGISTRY', 'TEMPLATE');

-- publisher/: cleanroom-ml registry list
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTRIES();

-- publisher/: cleanroom-ml collaboration edit --yes
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.EDIT('golden', $$api_version: 2.0.0
spec_type: collaboration
name: golden
description: A retail media network finds the households that will respond to an advertiser's coupons.
owner: publisher
distribution: external
collaborator_identifier_aliases:
  publisher: LOCAL.PUBLISHER
  advertiser: LOCAL.ADVERTISER
analysis_runners:
  advertiser:
    data_providers:
      publisher:
        data_offerings: []
      advertiser:
        data_offerings: []
    activation_destinations:
      snowflake_collaborators:
        - publisher
$$);
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('golden');

-- advertiser/: cleanroom-ml collaboration leave --yes
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LEAVE('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LEAVE('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');

-- publisher/: cleanroom-ml collaboration teardown --yes
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS();
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.TEARDOWN('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.TEARDOWN('golden');
CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS('golden');
