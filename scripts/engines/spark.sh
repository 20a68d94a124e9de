# A standalone Spark cluster, master and worker, out of the PyPI package pyspark in an environment of its own.
packages=(default-jre-headless python3 python3-venv python3-numpy python3-pandas)

pyspark_version=4.0.5
least_java=17
venv=$state/venv
master_port=7077
# The master's page and, below /json, what it knows.
master_page=7078
worker_port=7079
worker_page=7080

# A cluster of this size, whatever the machine has; an application gets some of it unless it asks.
cores=8
cores_of_application=2
memory=8g

spark_home() { echo "$venv"/lib/python3.*/site-packages/pyspark; }

prepare() {
  local java
  java=$(java -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p')
  [ "${java:-0}" -ge "$least_java" ] ||
    fail "Spark $pyspark_version needs Java $least_java or newer, and \`java\` is Java ${java:-unknown}: install openjdk-$least_java-jre-headless and choose it with update-alternatives --config java."
  if [ ! -e "$venv/pyspark-$pyspark_version" ]; then
    rm -rf "$venv"
    quietly /usr/bin/python3 -m venv --system-site-packages "$venv"
    quietly "$venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "pyspark==$pyspark_version"
    touch "$venv/pyspark-$pyspark_version"
  fi
  mkdir -p "$(spark_home)/conf"
  cat >"$(spark_home)/conf/spark-env.sh" <<CONF
SPARK_LOCAL_IP=\${SPARK_LOCAL_IP:-127.0.0.1}
PYSPARK_PYTHON=\${PYSPARK_PYTHON:-$venv/bin/python3}
SPARK_DAEMON_MEMORY=256m
SPARK_MASTER_OPTS="-Dspark.deploy.defaultCores=$cores_of_application"
SPARK_WORKER_OPTS="-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=3600"
CONF
  cat >"$(spark_home)/conf/spark-defaults.conf" <<CONF
spark.executor.memory 512m
spark.sql.shuffle.partitions 4
CONF
}

start() {
  local class
  class=$(spark_home)/bin/spark-class
  # From another shell than the operator's: spark-class takes settings of its own environment.
  SPARK_HOME=$(spark_home)
  export SPARK_HOME
  daemon master deploy.master.Master "Spark's master answers" "port_answers $master_page" \
    "$class" org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$master_port" --webui-port "$master_page"
  mkdir -p "$state/work"
  daemon worker deploy.worker.Worker "Spark's worker is with its master" worker_is_there \
    "$class" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --port "$worker_port" --webui-port "$worker_page" \
    --cores "$cores" --memory "$memory" --work-dir "$state/work" "spark://127.0.0.1:$master_port"
}

worker_is_there() {
  /usr/bin/python3 -c "import json, sys, urllib.request
sys.exit(0 if json.load(urllib.request.urlopen('http://127.0.0.1:$master_page/json/'))['aliveworkers'] > 0 else 1)"
}

stop() {
  end_daemon worker deploy.worker.Worker
  end_daemon master deploy.master.Master
}

prove() {
  local job=$state/proof.py
  printf '%s\n' 'from pyspark.sql import SparkSession' 'spark = SparkSession.builder.getOrCreate()' \
    'print("total", spark.sparkContext.parallelize(range(100), 4).sum())' >"$job"
  SPARK_HOME="$(spark_home)" "$(spark_home)/bin/spark-submit" --master "spark://127.0.0.1:$master_port" "$job" \
    2>"$state/proof.log" | grep -x 'total 4950' >/dev/null || show_log "$state/proof.log"
  echo "Spark $pyspark_version on Java $(java -version 2>&1 | sed -nE '1s/.*"(.*)".*/\1/p')"
}

settings() {
  setting SPARK_HOME "$(spark_home)"
  setting SPARK_MASTER "spark://127.0.0.1:$master_port"
  setting STEPCAST_TEST_SPARK_MASTER_PAGE "http://127.0.0.1:$master_page"
}
